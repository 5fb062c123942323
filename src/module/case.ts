import { type CaseOptions, parseCaseOptions } from '../../schemas/case.js';
import { CellcheckError, joinErrors, printable } from '../errors.js';
import { type Nonlinearity, TRACE_NAME } from '../kinds.js';
import type { StateDict } from '../tensor/state-dict.js';
import type { Tensor } from '../tensor/tensor.js';
import { PARAMETER } from './group.js';

/** What the tensors of a case are there for, by the names that PyTorch's documentation gives them. */
export const INPUT_ROLES = ['input', 'h_0', 'c_0', 'lengths'] as const;
export const EXPECTED_ROLES = ['output', 'h_n', 'c_n'] as const;
/** The output of a layer below the last. */
export type LayerRole = `output_l${number}`;
export type ExpectedRole = (typeof EXPECTED_ROLES)[number];
type NamedRole = (typeof INPUT_ROLES)[number] | ExpectedRole;
export type Role = NamedRole | LayerRole;

/** One thing to verify, loaded. */
export interface Case {
  /** The checkpoint; of its tensors only the module's own are loaded. */
  readonly weights: StateDict;
  /** Input and expected tensors by role. */
  readonly tensors: ReadonlyMap<Role, Tensor>;
  readonly options: CaseOptions;
  /** What of the files was left aside. */
  readonly notes?: readonly string[];
  /** What weakens a verdict, seen while loading. */
  readonly warnings?: readonly string[];
  /** File names for messages. */
  readonly files?: {
    readonly weights?: string;
    readonly input?: string;
    readonly expected?: string;
    readonly layers?: string;
  };
}

/**
 * A case from tensors in memory.
 * @param tensors the input and what is expected, by role; what is undefined is absent
 */
export function caseOf(
  weights: StateDict,
  tensors: Readonly<Partial<Record<Role, Tensor>>>,
  options: CaseOptions = {},
): Case {
  const entries = Object.entries(tensors).filter(([, tensor]) => tensor !== undefined);
  return { weights, tensors: new Map(entries as [Role, Tensor][]), options };
}

/**
 * Holds what a caller asks for against the schema of a case's options, as what a file asks for is.
 * @throws CellcheckError for every option that is none
 */
export function checkOptions(options: Readonly<Record<string, unknown>>): void {
  const { compute = 'float64', ...rest } = options;
  const said = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  const parsed = parseCaseOptions(said);
  const issues = 'issues' in parsed ? [...parsed.issues] : [];
  if (compute !== 'float64' && compute !== 'float32')
    issues.push({ field: 'compute', problem: 'is not one of float64, float32' });
  if (issues.length)
    throw joinErrors(
      issues.map(({ field, problem }) => new CellcheckError({ code: 'option', tensor: field, problem })),
    );
}

/**
 * Holds what a caller passes as a case against what one is: TypeScript checks that, JavaScript does not.
 * @throws CellcheckError that says what to pass
 */
export function checkCase(loaded: Case): void {
  const { weights, tensors, options } = (loaded ?? {}) as Partial<Case>;
  if (typeof weights?.load === 'function' && tensors instanceof Map && typeof options === 'object') return;
  throw new CellcheckError({
    code: 'argument',
    found:
      loaded === null
        ? 'null'
        : typeof loaded === 'string'
          ? `the text ${printable(loaded)}`
          : `a value of type ${typeof loaded}`,
    expected: 'a case',
    hints: [
      "Load it first: verify(await loadCase('folder'));",
      'or make it of tensors: verify(caseOf(weights, { input, output })).',
    ],
  });
}

/** What cannot be read off a case's names and shapes. */
interface SharedOptions {
  readonly module?: string;
  readonly nonlinearity?: Nonlinearity;
  readonly batch_first?: boolean;
  readonly prefix?: string;
}

/** What a case says about itself with what a caller says on top. */
export function mergeOptions(own: SharedOptions, said: SharedOptions): SharedOptions {
  return {
    module: said.module ?? own.module,
    nonlinearity: said.nonlinearity ?? own.nonlinearity,
    batch_first: said.batch_first ?? own.batch_first,
    prefix: said.prefix ?? own.prefix,
  };
}

export function fileOf(role: Role, files: Case['files']): string | undefined {
  if (layerOf(role) !== undefined) return files?.layers ?? files?.expected;
  return (EXPECTED_ROLES as readonly string[]).includes(role) ? files?.expected : files?.input;
}

/** The layer whose output a role is. */
export function layerOf(role: string): number | undefined {
  const [, layer] = /^output_l(0|[1-9]\d{0,3})$/.exec(role) ?? [];
  return layer === undefined ? undefined : Number(layer);
}

/** The roles of layers' outputs that these names stand for. */
export function layerRoles(names: Iterable<string>): LayerRole[] {
  return [...names].filter((name): name is LayerRole => layerOf(name) !== undefined);
}

// What these tensors are called elsewhere: in PyTorch's own signatures, ONNX, Keras, and in people's scripts.
const ALIASES: Readonly<Record<NamedRole, readonly string[]>> = {
  input: ['x', 'inp', 'in', 'inputs', 'seq', 'sequence', 'data', 'features'],
  h_0: ['hx', 'h', 'hidden', 'init_h', 'initial_h', 'initial_state', 'h_in', 'state'],
  c_0: ['cx', 'c', 'cell', 'init_c', 'initial_c', 'c_in'],
  lengths: ['lens', 'length', 'seq_len', 'seq_lens', 'seq_lengths', 'sequence_lens', 'batch_sizes'],
  output: ['out', 'outputs', 'y', 'y_hat', 'result', 'expected', 'hidden_states', 'hs'],
  h_n: ['h', 'hidden', 'h_out', 'hy', 'y_h', 'last_hidden', 'final_h', 'h_final', 'h_t', 'h_1', 'h1'],
  c_n: ['c', 'cell', 'c_out', 'cy', 'y_c', 'last_cell', 'final_c', 'c_final', 'c_t', 'c_1', 'c1'],
};

const ALL_ROLES: readonly string[] = [...INPUT_ROLES, ...EXPECTED_ROLES];
const isRole = (name: string) => ALL_ROLES.includes(name) || layerOf(name) !== undefined;

/** Whether a name is one that cellcheck looks for: a role's, or that of a parameter. */
export function isKnownName(name: string): boolean {
  return isRole(name) || PARAMETER.test(name);
}

const bare = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '');

export interface PickedRoles {
  readonly picked: ReadonlyMap<Role, string>;
  /** Tensors that look as if they were meant to be used, and are not. */
  readonly unused: readonly string[];
}

/**
 * Which tensors of a file stand for which roles. A file with a single tensor stands for the role it was given,
 * whatever its name, unless the name is another role's.
 * @param roles the roles that the file may fill, the one it was given first
 * @param shared whether the file holds other things too, as a bundle does
 * @throws CellcheckError for a name that says almost what one of ours does (`hn`, `out`): a tensor that was meant to
 *   be compared is never left out silently
 */
export function pickRoles(
  names: readonly string[],
  roles: readonly NamedRole[],
  shared: boolean,
): PickedRoles {
  const picked = new Map<Role, string>();
  if (roles.includes('output')) for (const role of layerRoles(names)) picked.set(role, role);
  for (const role of roles) if (names.includes(role)) picked.set(role, role);
  const missing = roles.filter((role) => !picked.has(role));
  const others = names.filter((name) => !isRole(name));
  if (names.length === 1 && others.length === 1) {
    const meant = missing.find((role) => bare(names[0]) === bare(role)) ?? roles[0];
    if (meant === roles[0]) return { picked: new Map([[meant, names[0]]]), unused: [] };
  }

  const aliased = (name: string) => missing.find((role) => ALIASES[role].includes(name.toLowerCase()));
  const nearly = (name: string) => missing.find((role) => bare(name) === bare(role));
  const near = others.flatMap((name) => {
    const role = nearly(name) ?? (shared || picked.size === 0 ? undefined : aliased(name));
    return role ? [{ role, name }] : [];
  });
  if (near.length) {
    throw joinErrors(
      near.map(
        ({ role, name }) =>
          new CellcheckError({
            tensor: name,
            problem: `is nearly ${role}, and would not be used`,
            hints: [`If it is ${role}, rename it, or add --name ${role}=${printable(name)}`],
          }),
      ),
    );
  }
  // What inspect saves beside the outputs is nothing to compare.
  const unused = shared
    ? others.filter(aliased)
    : names.filter((name) => !picked.has(name as Role) && !TRACE_NAME.test(name));
  return { picked, unused };
}

/** The error for a file that lacks every role it was given for. */
export function noRole(names: readonly string[], roles: readonly NamedRole[]): CellcheckError {
  const guesses = roles.flatMap((role) => {
    const theirs = names.find((name) => ALIASES[role].includes(name.toLowerCase()));
    return theirs === undefined ? [] : `--name ${role}=${printable(theirs)}`;
  });
  const some = names.slice(0, 8).map(printable).join(', ');
  return new CellcheckError({
    found: names.length ? `tensors named ${some}${names.length > 8 ? ', …' : ''}` : 'no tensors',
    expected: roles.length > 1 ? `one of ${roles.join(', ')}` : roles[0],
    hints: guesses.length
      ? [`Rename them, or add ${guesses.join(' ')}`]
      : [`Use these names, or add --name ${roles[0]}=…`],
  });
}
