import { type CaseOptions, parseCaseOptions } from '../../schemas/case.js';
import { CellcheckError, joinErrors, printable } from '../errors.js';
import { type ModuleName, type Nonlinearity, TRACE_NAME } from '../kinds.js';
import type { StateDict } from '../tensor/state-dict.js';
import type { Tensor } from '../tensor/tensor.js';
import { effective } from './effective.js';
import { PARAMETER } from './group.js';

/** The roles that tensors have in a case, by their names in PyTorch's documentation. */
export const INPUT_ROLES = ['input', 'h_0', 'c_0', 'lengths'] as const;
export const EXPECTED_ROLES = ['output', 'h_n', 'c_n'] as const;
/** The output of a layer below the last. */
export type LayerRole = `output_l${number}`;
export type ExpectedRole = (typeof EXPECTED_ROLES)[number];
export type NamedRole = (typeof INPUT_ROLES)[number] | ExpectedRole;
export type Role = NamedRole | LayerRole;

/** Whether a tensor goes into the network, and is not compared. */
export function isInput(role: Role): boolean {
  return (INPUT_ROLES as readonly string[]).includes(role);
}

/** A case to verify, loaded. */
export interface Case {
  /** The checkpoint; only the tensors of the module are loaded from it. */
  readonly weights: StateDict;
  /** Input and expected tensors by role. */
  readonly tensors: ReadonlyMap<Role, Tensor>;
  readonly options: CaseOptions;
  /** Which parts of the files were not used. */
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
 * @param tensors input and expected tensors by role; an undefined one is absent
 * @throws CellcheckError for options that a case does not have
 */
export function caseOf(
  weights: StateDict,
  tensors: Readonly<Partial<Record<Role, Tensor>>>,
  options: CaseOptions = {},
): Case {
  checkOptions(options);
  const entries = Object.entries(tensors).filter(([, tensor]) => tensor !== undefined);
  return {
    weights: isStateDict(weights) ? effective(weights) : weights,
    tensors: new Map(entries as [Role, Tensor][]),
    options,
  };
}

/**
 * Checks a caller's options against the schema that the options of a case file must fit.
 * @throws CellcheckError for every option that is unknown or has a wrong value
 */
export function checkOptions(options: Readonly<Record<string, unknown>>): void {
  const { compute = 'float64', ...rest } = options;
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  const parsed = parseCaseOptions(given);
  const issues = 'issues' in parsed ? [...parsed.issues] : [];
  if (compute !== 'float64' && compute !== 'float32')
    issues.push({ field: 'compute', problem: 'is not one of float64, float32' });
  if (issues.length)
    throw joinErrors(
      issues.map(({ field, problem }) => new CellcheckError({ code: 'option', tensor: field, problem })),
    );
}

/**
 * Checks the arguments of the library's functions: TypeScript does, JavaScript does not.
 * @throws CellcheckError that says what to pass
 */
export function checkArguments(loaded: Case, options: object): void {
  const { weights, tensors, options: own } = (loaded ?? {}) as Partial<Case>;
  if (!isStateDict(weights) || typeof tensors?.get !== 'function' || !isObject(own)) {
    throw new CellcheckError({
      code: 'argument',
      found: described(loaded),
      expected: 'a case',
      hints: [
        "Load it first: verify(await loadCase('folder'));",
        'or make it of tensors: verify(caseOf(weights, { input, output })).',
      ],
    });
  }
  if (!isObject(options))
    throw new CellcheckError({
      code: 'argument',
      found: described(options),
      expected: 'an object of options',
    });
}

/** @throws CellcheckError that says how to get a state_dict */
export function checkStateDict(weights: StateDict): void {
  if (isStateDict(weights)) return;
  throw new CellcheckError({
    code: 'argument',
    found: described(weights),
    expected: 'a state_dict',
    hints: ['Make one of tensors with stateDict(), or read one with readTensors().'],
  });
}

function isStateDict(value: unknown): boolean {
  const { specs, load } = (value ?? {}) as Partial<StateDict>;
  return typeof specs?.get === 'function' && typeof load === 'function';
}

const isObject = (value: unknown) => typeof value === 'object' && value !== null;

function described(value: unknown): string {
  if (value === null) return 'null';
  if (value instanceof Promise) return 'a promise';
  return typeof value === 'string' ? `the text ${printable(value)}` : `a value of type ${typeof value}`;
}

/** What the names and shapes of a case leave open. */
interface SharedOptions {
  readonly module?: ModuleName;
  readonly nonlinearity?: Nonlinearity;
  readonly batch_first?: boolean;
  readonly prefix?: string;
}

/** The options of a case, each replaced by the caller's where there is one. */
export function mergeOptions(ofCase: SharedOptions, ofCaller: SharedOptions): SharedOptions {
  return {
    module: ofCaller.module ?? ofCase.module,
    nonlinearity: ofCaller.nonlinearity ?? ofCase.nonlinearity,
    batch_first: ofCaller.batch_first ?? ofCase.batch_first,
    prefix: ofCaller.prefix ?? ofCase.prefix,
  };
}

/** The file that the tensor with this role comes from. */
export function fileOf(role: Role, files: Case['files']): string | undefined {
  if (layerOf(role) !== undefined) return files?.layers ?? files?.expected;
  return (EXPECTED_ROLES as readonly string[]).includes(role) ? files?.expected : files?.input;
}

/** The layer of an `output_l…`; undefined for other roles. */
export function layerOf(role: string): number | undefined {
  const [, layer] = /^output_l(0|[1-9]\d{0,3})$/.exec(role) ?? [];
  return layer === undefined ? undefined : Number(layer);
}

/** Those of the names that are roles of layers' outputs. */
export function layerRoles(names: Iterable<string>): LayerRole[] {
  return [...names].filter((name): name is LayerRole => layerOf(name) !== undefined);
}

// Other names for these tensors: in PyTorch's signatures, in ONNX and Keras, and in people's scripts.
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

/** Whether cellcheck looks for a tensor of this name: it is a role, or the name of a parameter. */
export function isKnownName(name: string): boolean {
  return isRole(name) || PARAMETER.test(name);
}

/** A name without what people spell differently: `H-N` and `h_n` are both `hn`. */
const bare = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '');

export interface PickedRoles {
  readonly picked: ReadonlyMap<Role, string>;
  /** Names of tensors that are not used, although somebody probably meant them to be. */
  readonly unused: readonly string[];
}

/**
 * Which tensors of a file have which roles. The only tensor of a file has the first role whatever its name, unless
 * that is the name of another role.
 * @param roles the roles that tensors of the file may have, first the one that the file was given for
 * @param shared whether the file holds other things too, as a bundle does
 * @throws CellcheckError for a name that is nearly a role (`hn`, `out`): a tensor that somebody meant to be compared
 *   must not be left out silently
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
  // States and gates that `inspect --save` writes beside the outputs are not compared.
  const unused = shared
    ? others.filter(aliased)
    : names.filter((name) => !picked.has(name as Role) && !TRACE_NAME.test(name));
  return { picked, unused };
}

/** The error for a file in which no tensor has a role that it was given for. */
export function noRole(names: readonly string[], roles: readonly NamedRole[]): CellcheckError {
  const guesses = roles.flatMap((role) => {
    const alias = names.find((name) => ALIASES[role].includes(name.toLowerCase()));
    return alias === undefined ? [] : `--name ${role}=${printable(alias)}`;
  });
  const firstNames = names.slice(0, 8).map(printable).join(', ');
  return new CellcheckError({
    found: names.length ? `tensors named ${firstNames}${names.length > 8 ? ', …' : ''}` : 'no tensors',
    expected: roles.length > 1 ? `one of ${roles.join(', ')}` : roles[0],
    hints: guesses.length
      ? [`Rename them, or add ${guesses.join(' ')}`]
      : [`Use these names, or add --name ${roles[0]}=…`],
  });
}
