import { CellcheckError } from '../errors.js';
import type { Tensor, TensorSpec } from './tensor.js';

/** The name of a tensor in a file that holds one tensor without a name. */
export const NAMELESS = '';

/** Tensors by name. Their values are only read when they are asked for: a checkpoint may hold far more than a module. */
export interface StateDict {
  readonly specs: ReadonlyMap<string, TensorSpec>;
  /** What in the file was ignored. */
  readonly notes?: readonly string[];
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
