import { CellcheckError, inFile, printable } from '../errors.js';
import { KINDS } from '../kinds.js';
import { chooseGroup, describeGroup } from '../module/describe.js';
import { findGroups, type Group, MOST_GROUPS, withoutWrappers } from '../module/group.js';
import { noModule } from '../module/no-module.js';
import { describeParts, type Module } from '../module/parameters.js';
import type { StateDict } from '../tensor/state-dict.js';
import type { Tensor } from '../tensor/tensor.js';
import { type Change, changeOf, type Relation, relationOf } from './relation.js';

/** One of two checkpoints, and how messages name it. */
export interface DiffSide {
  readonly label: string;
  readonly tensors: StateDict;
  /** Chooses a module where there are several. */
  readonly prefix?: string;
}

/** A parameter of a module in both checkpoints. */
export interface ParameterDiff {
  /** Without the prefix. */
  readonly name: string;
  readonly relation: Relation;
  /** The shape in each of the two. */
  readonly shapes: readonly [readonly number[], readonly number[]];
  /** The change of each gate, where they have one shape; one without a name where rows have no gates. */
  readonly gates: readonly (Change & { readonly gate?: string })[];
}

/** A module that both checkpoints have. */
export interface ModuleDiff {
  /** Its prefix in each of the two. */
  readonly prefixes: readonly [string, string];
  /** `LSTM 80 → 256`, `2 layers` …, in each of the two. */
  readonly words: readonly [readonly string[], readonly string[]];
  readonly parameters: readonly ParameterDiff[];
  /** Parameters that only one of the two has, without their prefix. */
  readonly only: readonly [readonly string[], readonly string[]];
  /** Layers whose two biases are summed up in one of the checkpoints: that one has the sum as bias_ih. */
  readonly mergedBiases: readonly string[];
}

/** What two checkpoints have in common, and what not. */
export interface CheckpointDiff {
  readonly labels: readonly [string, string];
  readonly modules: readonly ModuleDiff[];
  /** Modules that only one of the two has, by their prefixes. */
  readonly only: readonly [readonly string[], readonly string[]];
  /** Whether every parameter of every module is equal in both. */
  readonly equal: boolean;
}

/**
 * Compares the recurrent modules of two checkpoints, parameter by parameter and gate by gate. Modules belong together by
 * their prefixes, without what wrappers put into them; the only ones of both belong together whatever their names are.
 * @throws CellcheckError where one of them has no recurrent module, or none belong together
 */
export function diffCheckpoints(first: DiffSide, second: DiffSide): CheckpointDiff {
  const [a, b] = [first, second].map((side) => inFile(side.label, () => groupsOf(side)));
  const pairs = pairsOf(a, b);
  if (pairs.length === 0) {
    throw new CellcheckError({
      problem: `no module of ${printable(first.label)} has the name of one of ${printable(second.label)}`,
      hints: [
        `There are ${names(a)}, and ${names(b)}.`,
        'Choose two of them with --prefix and --second-prefix.',
      ],
    });
  }
  const modules = pairs.map(([groupA, groupB]) => diffModules(first, groupA, second, groupB));
  const only = [
    a.filter((group) => !pairs.some(([one]) => one === group)),
    b.filter((group) => !pairs.some(([, one]) => one === group)),
  ].map((groups) => groups.map(({ prefix }) => prefix)) as [string[], string[]];
  const equal =
    only.every((prefixes) => prefixes.length === 0) &&
    modules.every(
      (module) =>
        module.only.every((missing) => missing.length === 0) &&
        module.parameters.every(({ relation }) => relation.kind === 'equal'),
    );
  return { labels: [first.label, second.label], modules, only, equal };
}

const names = (groups: readonly Group[]) =>
  groups
    .slice(0, 8)
    .map(({ prefix }) => (prefix === '' ? 'one without a prefix' : printable(prefix)))
    .join(', ');

function groupsOf({ tensors, prefix }: DiffSide): Group[] {
  if (prefix !== undefined) return [chooseGroup(tensors.specs, { prefix })];
  const groups = findGroups(tensors.specs);
  if (groups.length === 0) throw noModule(tensors.specs);
  if (groups.length === MOST_GROUPS)
    throw new CellcheckError({ problem: `holds ${MOST_GROUPS} modules or more; choose one with --prefix` });
  return groups;
}

function pairsOf(a: readonly Group[], b: readonly Group[]): (readonly [Group, Group])[] {
  if (a.length === 1 && b.length === 1) return [[a[0], b[0]]];
  const bare = ({ prefix, cell }: Group) => `${withoutWrappers(prefix)} ${cell}`;
  return a.flatMap((group) => {
    const partner =
      b.find(({ prefix, cell }) => prefix === group.prefix && cell === group.cell) ??
      b.find((other) => bare(other) === bare(group));
    return partner ? [[group, partner] as const] : [];
  });
}

function diffModules(first: DiffSide, a: Group, second: DiffSide, b: Group): ModuleDiff {
  const modules = [describedIn(a), describedIn(b)];
  // One that lacks parameters is compared all the same; of two such, the first says what is wrong.
  const module = modules.find((one) => one !== undefined) ?? inFile(first.label, () => describeGroup(a, {}));
  const has = ({ shapes }: Group) => [...shapes.keys()];
  const both = has(a).filter((name) => b.shapes.has(name));
  const load = ({ label, tensors }: DiffSide, { prefix, shapes }: Group) => {
    const loaded = inFile(label, () => tensors.load([...shapes.keys()].map((name) => prefix + name)));
    return (name: string) => loaded.get(prefix + name)!;
  };
  const [ofA, ofB] = [load(first, a), load(second, b)];
  return {
    prefixes: [a.prefix, b.prefix],
    words: modules.map((one) => (one ? describeParts(one) : ['not complete'])) as [string[], string[]],
    parameters: both.map((name) => diffParameter(module, name, ofA(name), ofB(name))),
    only: [has(a).filter((name) => !b.shapes.has(name)), has(b).filter((name) => !a.shapes.has(name))],
    mergedBiases: has(a).filter((name) => name.startsWith('bias_ih') && isMerged(name, a, ofA, b, ofB)),
  };
}

/** The module that a group is; undefined where its parameters are not all there, or do not fit. */
function describedIn(group: Group): Module | undefined {
  try {
    return describeGroup(group, {});
  } catch (error) {
    if (error instanceof CellcheckError) return undefined;
    throw error;
  }
}

function diffParameter(module: Module, name: string, a: Tensor, b: Tensor): ParameterDiff {
  const gates = name.startsWith('weight_hr') ? [] : KINDS[module.kind].gates;
  const relation = relationOf(a, b, gates);
  const shapes = [a.shape, b.shape] as const;
  if (relation.kind === 'other-shape' || a.data.length !== b.data.length || relation.kind === 'transposed')
    return { name, relation, shapes, gates: [] };
  if (gates.length < 2) return { name, relation, shapes, gates: [changeOf(a.data, b.data)] };
  const size = a.data.length / gates.length;
  return {
    name,
    relation,
    shapes,
    gates: gates.map((gate, i) => ({ gate, ...changeOf(a.data, b.data, i * size, (i + 1) * size) })),
  };
}

type ByName = (name: string) => Tensor;

/** Whether one of the checkpoints has the sum of both biases as its bias_ih, and zeros or nothing as bias_hh. */
function isMerged(name: string, a: Group, ofA: ByName, b: Group, ofB: ByName): boolean {
  const hidden = name.replace('bias_ih', 'bias_hh');
  const sumIn = (group: Group, of: ByName) =>
    group.shapes.has(hidden) && group.shapes.has(name)
      ? of(name).data.map((value, i) => value + of(hidden).data[i])
      : undefined;
  const isOne = (group: Group, of: ByName) =>
    group.shapes.has(name) && (!group.shapes.has(hidden) || of(hidden).data.every((value) => value === 0));
  const close = (sum: ArrayLike<number> | undefined, merged: ArrayLike<number>) =>
    sum !== undefined &&
    sum.length === merged.length &&
    Array.from(sum).every(
      (value, i) => Math.abs(value - merged[i]) <= 2e-7 * Math.max(Math.abs(value), 1e-3),
    );
  const [sumA, sumB] = [sumIn(a, ofA), sumIn(b, ofB)];
  const changed = (group: Group, of: ByName) =>
    group.shapes.has(hidden) && of(hidden).data.some((value) => value !== 0);
  return (
    (changed(a, ofA) && isOne(b, ofB) && close(sumA, ofB(name).data)) ||
    (changed(b, ofB) && isOne(a, ofA) && close(sumB, ofA(name).data))
  );
}
