import { CellcheckError, printable } from '../errors.js';
import type { TensorSpec } from '../tensor/tensor.js';

/** The tensors of a state_dict that are one module's by their names. */
export interface Group {
  readonly prefix: string;
  readonly cell: boolean;
  /** Shapes by the name without the prefix. */
  readonly shapes: Map<string, readonly number[]>;
  /** The same of tensors under this prefix that would be parameters were they not misspelt. */
  readonly misspelt: Map<string, readonly number[]>;
}

export const PARAMETER = /^(.*?)((?:weight_(?:ih|hh|hr)|bias_(?:ih|hh))(?:(_l(?:0|[1-9]\d*))(_reverse)?)?)$/s;

/** Of the modules in a state_dict as many are looked at; where there are more, one must be chosen by its prefix. */
export const MOST_GROUPS = 1000;

/** The modules in a state_dict, by their parameters' names: all, or those under one prefix. */
export function findGroups(specs: ReadonlyMap<string, TensorSpec>, prefix?: string): Group[] {
  const groups = new Map<string, Group>();
  const keyOf = (own: string, cell: boolean) => `${own}\n${cell}`;
  const parameters = function* () {
    for (const [name, { shape }] of specs) {
      const match = PARAMETER.exec(name);
      if (!match || (prefix !== undefined && match[1] !== prefix)) continue;
      yield { own: match[1], local: match[2], cell: match[3] === undefined, shape };
    }
  };
  // A bias alone is no module.
  for (const { own, local, cell } of parameters()) {
    if (groups.size === MOST_GROUPS) break;
    const key = keyOf(own, cell);
    if (/^weight_(ih|hh)/.test(local) && !groups.has(key))
      groups.set(key, { prefix: own, cell, shapes: new Map(), misspelt: new Map() });
  }
  for (const { own, local, cell, shape } of parameters())
    groups.get(keyOf(own, cell))?.shapes.set(local, shape);
  for (const [name, { shape }] of specs) {
    if (PARAMETER.test(name)) continue;
    const last = name.lastIndexOf('.') + 1;
    const start = name.slice(last).search(/(?:weight|bias)_/);
    if (start < 0) continue;
    const [own, local] = [name.slice(0, last + start), name.slice(last + start)];
    for (const cell of [false, true]) groups.get(keyOf(own, cell))?.misspelt.set(local, shape);
  }
  return [...groups.values()];
}

/** Why a state_dict holds no module: the names that are there may tell. */
export function noModule(specs: ReadonlyMap<string, TensorSpec>): CellcheckError {
  const names = [...specs.keys()];
  const has = (pattern: RegExp) => names.some((name) => pattern.test(name));
  const hints: string[] = [];
  if (has(/kernel/i)) {
    hints.push(
      'These look like Keras names: weight_ih_l0 is the transposed kernel, weight_hh_l0 the transposed recurrent',
      'kernel; a GRU has its gates in another order (z r h), and its bias [2, 3·units] is bias_ih and bias_hh.',
    );
  } else if (has(/^onnx::|(^|[./])[WRB]$/)) {
    hints.push(
      'These look like ONNX names (W, R, B): its gate order is i o f c (LSTM) and z r h (GRU), and B joins both',
      'biases. Take the state_dict of the PyTorch model that was exported.',
    );
  } else if (has(/original[01]$|weight_[gv]$/)) {
    hints.push('These look like weight_norm or a parametrization: remove it before saving the state_dict.');
  }
  const some = names.slice(0, 6).map(printable).join(', ');
  hints.push(names.length ? `It holds ${some}${names.length > 6 ? ', …' : ''}.` : 'It holds no tensors.');
  return new CellcheckError({
    problem:
      'holds no recurrent module: no tensor is named weight_ih_l0 or weight_hh_l0 (weight_ih for a Cell)',
    hints,
  });
}
