import { CellcheckError } from '../errors.js';
import { KINDS } from '../kinds.js';
import { DTYPES, isReadable } from '../tensor/dtype.js';
import { elementCount } from '../tensor/shape.js';
import type { TensorSpec } from '../tensor/tensor.js';
import { describeGroup } from './describe.js';
import { findGroups, MOST_GROUPS } from './group.js';
import { caseShapes } from './layout.js';
import { noModule } from './no-module.js';
import { describeParts, type Module } from './parameters.js';

/** The rows of `weight_ih`, `weight_hh` and the biases that belong to a gate, from `first` to `last` inclusive. */
export interface GateRows {
  readonly gate: string;
  readonly first: number;
  readonly last: number;
}

/** One recurrent module of a checkpoint. */
export interface ListedModule {
  readonly prefix: string;
  /** How many values its parameters have. */
  readonly parameters: number;
  /** PyTorch's names. */
  readonly dtypes: readonly string[];
  /** Its description; absent if its parameters fit no module. */
  readonly is?: {
    readonly module: Module;
    /** `LSTM 80 → 256`, `2 layers`, `bidirectional` … */
    readonly words: readonly string[];
    readonly gates: readonly GateRows[];
    /** Shapes by role, with T for the steps and B for the batch: time first, and a loop over a Cell. */
    readonly shapes: Readonly<Record<string, readonly (number | string)[]>>;
  };
  /** Why there is no description. */
  readonly error?: CellcheckError;
}

/** What a checkpoint holds. */
export interface Checkpoint {
  readonly modules: readonly ListedModule[];
  /** Whether there are more modules than are looked at. */
  readonly more: boolean;
  /** Tensors that belong to no module. */
  readonly others: readonly { readonly name: string; readonly spec: TensorSpec }[];
}

/**
 * Lists the recurrent modules of a state_dict, from names and shapes alone.
 * @throws CellcheckError if there is none
 */
export function listModules(specs: ReadonlyMap<string, TensorSpec>): Checkpoint {
  const groups = findGroups(specs);
  if (groups.length === 0) throw noModule(specs);
  const listed = new Set<string>();
  const modules = groups.map((group): ListedModule => {
    const names = [...group.shapes.keys()].map((local) => group.prefix + local);
    for (const name of names) listed.add(name);
    const parameters = names.map((name) => specs.get(name)!);
    const facts = {
      prefix: group.prefix,
      parameters: parameters.reduce((total, { shape }) => total + elementCount(shape), 0),
      dtypes: [...new Set(parameters.map(({ dtype }) => (isReadable(dtype) ? DTYPES[dtype].torch : dtype)))],
    };
    try {
      const module = describeGroup(group, {});
      const words = describeParts(module);
      return { ...facts, is: { module, words, gates: gateRows(module), shapes: shapesOf(module) } };
    } catch (error) {
      if (!(error instanceof CellcheckError)) throw error;
      return { ...facts, error };
    }
  });
  const others = [...specs].filter(([name]) => !listed.has(name)).map(([name, spec]) => ({ name, spec }));
  return { modules, more: groups.length === MOST_GROUPS, others };
}

function gateRows({ kind, hidden_size }: Module): GateRows[] {
  return KINDS[kind].gates.map((gate, block) => ({
    gate,
    first: block * hidden_size,
    last: (block + 1) * hidden_size - 1,
  }));
}

function shapesOf(module: Module): Record<string, (number | string)[]> {
  const layout = { batch_first: false, batched: true, timed: true };
  return Object.fromEntries(
    caseShapes(module, layout, new Map())
      .filter(({ name }) => name !== 'lengths')
      .map(({ name, dimensions }) => [
        name,
        dimensions.map(({ label, size }) => (typeof size === 'number' ? size : label)),
      ]),
  );
}
