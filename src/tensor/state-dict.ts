import { CellcheckError, type ErrorParts, printable } from '../errors.js';
import type { Tensor, TensorSpec } from './tensor.js';

/** The name of a tensor in a file that holds one tensor without a name. */
export const NAMELESS = '';

/** Tensors by name. Their values are only read when they are asked for: a checkpoint may hold far more than a module. */
export interface StateDict {
  readonly specs: ReadonlyMap<string, TensorSpec>;
  /** What in the file was ignored. */
  readonly notes?: readonly string[];
  /** What has a name in the file and is no tensor, and why. */
  readonly aside?: ReadonlyMap<string, ErrorParts>;
  /**
   * Reads only the named tensors.
   * @throws CellcheckError for a name that `specs` does not have, and where a tensor cannot be read
   */
  load(names: readonly string[]): Map<string, Tensor>;
}

/** A StateDict of tensors that are already in memory. */
export function stateDict(
  tensors: ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>,
): StateDict {
  const byName = tensors instanceof Map ? tensors : new Map(Object.entries(tensors));
  return {
    specs: byName,
    load(names) {
      checkNames(byName, names);
      return new Map(names.map((name) => [name, byName.get(name)!]));
    },
  };
}

/** @throws CellcheckError for a name that no tensor has */
export function checkNames(specs: StateDict['specs'], names: readonly string[]): void {
  const missing = names.find((name) => !specs.has(name));
  if (missing !== undefined)
    throw new CellcheckError({ tensor: missing, problem: 'there is no such tensor' });
}

/**
 * The same tensors under cellcheck's names where `renames` (ours → theirs) says so.
 * Names of theirs that no tensor has are ignored: the caller reports them.
 */
export function renamed(source: StateDict, renames: Readonly<Record<string, string>>): StateDict {
  const theirs = new Map<string, string>();
  for (const [ours, name] of Object.entries(renames)) if (source.specs.has(name)) theirs.set(ours, name);
  if (theirs.size === 0) return source;
  const hidden = new Set(theirs.values());
  const specs = new Map([...source.specs].filter(([name]) => !hidden.has(name)));
  for (const [ours, name] of theirs) specs.set(ours, source.specs.get(name)!);
  return {
    ...source,
    specs,
    load: (names) => {
      const loaded = source.load(names.map((name) => theirs.get(name) ?? name));
      return new Map(names.map((name) => [name, loaded.get(theirs.get(name) ?? name)!]));
    },
  };
}

/**
 * The tensors of one dict in a checkpoint that holds several, without its key: `model_state` has those whose names begin
 * with `model_state.`
 * @throws CellcheckError where the checkpoint has no such dict; it names those that there are
 */
export function under(source: StateDict, key: string): StateDict {
  const start = `${key}.`;
  const specs = new Map(
    [...source.specs].flatMap(([name, spec]) =>
      name.startsWith(start) ? [[name.slice(start.length), spec] as const] : [],
    ),
  );
  if (specs.size > 0) {
    return {
      ...source,
      specs,
      load(names) {
        checkNames(specs, names);
        const loaded = source.load(names.map((name) => start + name));
        return new Map(names.map((name) => [name, loaded.get(start + name)!]));
      },
    };
  }
  const keys = [...new Set([...source.specs.keys()].flatMap((name) => /^(.+?)\./s.exec(name)?.[1] ?? []))];
  throw new CellcheckError({
    problem: `holds no tensors under the key ${printable(key)}`,
    hints: [
      keys.length
        ? `There are ${keys.slice(0, 12).map(printable).join(', ')}${keys.length > 12 ? ', …' : ''}.`
        : 'Its tensors are under no key: leave the option out.',
    ],
  });
}

/** A tensor that is computed from others of a checkpoint. */
export interface Derived {
  readonly spec: TensorSpec;
  /** The tensors that it is computed from. */
  readonly from: readonly string[];
  readonly make: (tensors: readonly Tensor[]) => Tensor;
}

/** The same tensors with computed ones, which take the places of those that they are computed from. */
export function withDerived(
  source: StateDict,
  derived: ReadonlyMap<string, Derived>,
  notes: readonly string[],
): StateDict {
  if (derived.size === 0) return source;
  const used = new Set([...derived.values()].flatMap(({ from }) => from));
  const specs = new Map([...source.specs].filter(([name]) => !used.has(name)));
  for (const [name, { spec }] of derived) specs.set(name, spec);
  return {
    ...source,
    specs,
    notes: [...(source.notes ?? []), ...notes],
    load(names) {
      checkNames(specs, names);
      const needed = names.flatMap((name) => derived.get(name)?.from ?? [name]);
      const loaded = source.load([...new Set(needed)]);
      return new Map(
        names.map((name) => {
          const rule = derived.get(name);
          return [name, rule ? rule.make(rule.from.map((part) => loaded.get(part)!)) : loaded.get(name)!];
        }),
      );
    },
  };
}
