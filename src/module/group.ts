import type { Nonlinearity } from '../kinds.js';
import type { TensorSpec } from '../tensor/tensor.js';

/** The tensors of a state_dict whose names say that they are the parameters of one module. */
export interface Group {
  readonly prefix: string;
  readonly cell: boolean;
  /** Of an RNN, where the file says so. */
  readonly nonlinearity?: Nonlinearity;
  /** The parameters' shapes by their names without the prefix. */
  readonly shapes: Map<string, readonly number[]>;
  /** The same for tensors under the prefix whose names are nearly those of parameters. */
  readonly misspelt: Map<string, readonly number[]>;
}

/** A parameter's full name: its prefix, the name without it, and in that the layer and the direction. */
export const PARAMETER = /^(.*?)((?:weight_(?:ih|hh|hr)|bias_(?:ih|hh))(?:(_l(?:0|[1-9]\d*))(_reverse)?)?)$/s;

/** The most modules of a state_dict that are looked at; if there are more, the user must choose one by its prefix. */
export const MOST_GROUPS = 1000;

/** What wrappers put into names: DataParallel, torch.compile, FSDP, DeepSpeed, activation checkpoints, Lightning. */
const WRAPPERS =
  /(?<=^|\.)(?:module|_orig_mod|model|_fsdp_wrapped_module|_forward_module|_checkpoint_wrapped_module)\./g;

/** A name or prefix without what wrappers put into it. */
export const withoutWrappers = (name: string) => name.replace(WRAPPERS, '');

/**
 * The modules that a prefix means: those that have it, or else those whose prefix ends with it, or would without what
 * wrappers put into names; or else those that are inside what the prefix names. `encoder.` means `module.encoder.` too,
 * and `model_state.encoder.`, and where there is none of them `encoder.lstm.`
 */
export function groupsUnder(specs: ReadonlyMap<string, TensorSpec>, prefix: string): Group[] {
  const withPoint = prefix === '' || prefix.endsWith('.') ? prefix : `${prefix}.`;
  for (const exact of new Set([prefix, withPoint])) {
    const groups = findGroups(specs, exact);
    if (groups.length) return groups;
  }
  if (prefix === '') return [];
  const endsWith = (name: string, end: string) => `.${name}`.endsWith(`.${end}`);
  const all = findGroups(specs);
  const ending = all.filter((group) => endsWith(group.prefix, withPoint));
  if (ending.length) return ending;
  const bare = withoutWrappers(withPoint);
  const wrapped = bare === '' ? [] : all.filter((group) => endsWith(withoutWrappers(group.prefix), bare));
  return wrapped.length ? wrapped : all.filter((group) => group.prefix.startsWith(withPoint));
}

/** The modules in a state_dict, by their parameters' names: all, or those under one prefix. */
export function findGroups(specs: ReadonlyMap<string, TensorSpec>, prefix?: string): Group[] {
  const groups = new Map<string, Group>();
  const keyOf = (before: string, cell: boolean) => `${before}\n${cell}`;
  const parameters = function* () {
    // The shapes of other tensors may be in files that are not needed.
    for (const [name, spec] of specs) {
      const match = PARAMETER.exec(name);
      if (!match || (prefix !== undefined && match[1] !== prefix)) continue;
      yield { before: match[1], parameter: match[2], cell: match[3] === undefined, spec };
    }
  };
  // A bias alone makes no module.
  for (const { before, parameter, cell, spec } of parameters()) {
    if (groups.size === MOST_GROUPS) break;
    const key = keyOf(before, cell);
    if (/^weight_(ih|hh)/.test(parameter) && !groups.has(key))
      groups.set(key, {
        prefix: before,
        cell,
        nonlinearity: spec.nonlinearity,
        shapes: new Map(),
        misspelt: new Map(),
      });
  }
  for (const { before, parameter, cell, spec } of parameters())
    groups.get(keyOf(before, cell))?.shapes.set(parameter, spec.shape);
  for (const [name, spec] of specs) {
    if (PARAMETER.test(name)) continue;
    const afterDot = name.lastIndexOf('.') + 1;
    // One `bias` beside them is what Equinox and others have for both.
    const start = name.slice(afterDot).search(/(?:weight|bias)_|^bias$/);
    if (start < 0) continue;
    const [before, misspelt] = [name.slice(0, afterDot + start), name.slice(afterDot + start)];
    for (const cell of [false, true]) groups.get(keyOf(before, cell))?.misspelt.set(misspelt, spec.shape);
  }
  return [...groups.values()];
}
