import { elementCount } from '../tensor/shape.js';
import { type Derived, type StateDict, withDerived } from '../tensor/state-dict.js';
import { type Tensor, type TensorSpec, tensor } from '../tensor/tensor.js';
import { PARAMETER } from './group.js';

/** How a parameter is stored by something that computes it in each call. */
interface Stored {
  /** The parameter that it stands for, with its prefix. */
  readonly parameter: (name: string) => string | undefined;
  /** The tensors that it is computed from, by the name of the first. */
  readonly parts: (name: string) => readonly string[];
  readonly make: (tensors: readonly Tensor[]) => Tensor;
  readonly what: string;
}

const STORED: readonly Stored[] = [
  {
    what: 'weight_norm',
    parameter: (name) => /^(.*)_g$/s.exec(name)?.[1],
    parts: (name) => [name, name.replace(/_g$/, '_v')],
    make: ([g, v]) => normalised(g, v),
  },
  {
    what: 'weight_norm',
    parameter: (name) => {
      const [, prefix, parameter] = /^(.*)parametrizations\.([^.]+)\.original0$/s.exec(name) ?? [];
      return parameter && prefix + parameter;
    },
    parts: (name) => [name, name.replace(/0$/, '1')],
    make: ([g, v]) => normalised(g, v),
  },
  {
    what: 'WeightDrop',
    parameter: (name) => /^(.*)_raw$/s.exec(name)?.[1],
    parts: (name) => [name],
    make: ([raw]) => raw,
  },
];

/**
 * A state_dict with the parameters that a module has in evaluation mode, where it holds what they are computed from:
 * weight_norm's magnitude and direction, by either of its names
 * (https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.parametrizations.weight_norm.html), and the weights that
 * WeightDrop drops entries from (Merity et al. 2018, https://arxiv.org/abs/1708.02182), which evaluation uses whole.
 */
export function effective(source: StateDict): StateDict {
  const derived = new Map<string, Derived>();
  const used = new Set<string>();
  for (const name of source.specs.keys()) {
    for (const { what, parameter, parts, make } of STORED) {
      const target = parameter(name);
      if (target === undefined || !PARAMETER.test(target)) continue;
      const from = parts(name);
      const specs = from.map((part) => source.specs.get(part));
      if (specs.includes(undefined)) continue;
      const spec = specs[specs.length - 1]!;
      if (specs.length === 2 && !broadcasts(specs[0]!, spec)) continue;
      derived.set(placeOf(target, source), { spec, from, make });
      used.add(what);
    }
  }
  const notes = [...used].map((what) =>
    what === 'WeightDrop' ? 'the weights before WeightDrop are used' : `the weights follow from ${what}`,
  );
  return withDerived(source, derived, notes);
}

/** fastai's WeightDrop has the raw weights beside its module, which has the others: `module.weight_ih_l0`. */
function placeOf(parameter: string, { specs }: StateDict): string {
  const [, prefix, local] = PARAMETER.exec(parameter)!;
  const inside = `${prefix}module.${local}`;
  return specs.has(inside) || specs.has(`${prefix}module.${local.replace('weight_hh', 'weight_ih')}`)
    ? inside
    : parameter;
}

/** Whether magnitudes have the shape of the directions, but for axes of size 1; or are a single one. */
function broadcasts({ shape: g }: TensorSpec, { shape: v }: TensorSpec): boolean {
  return g.length === 0 || (g.length === v.length && g.every((size, i) => size === 1 || size === v[i]));
}

/** g · v / ‖v‖, where the norm is over the axes along which g has one value; rounded to their dtype, as PyTorch keeps it. */
function normalised(g: Tensor, v: Tensor): Tensor {
  const { shape } = v;
  // Which magnitude belongs to a value.
  const strides = new Array<number>(shape.length).fill(0);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0 && g.shape.length; axis--) {
    if (g.shape[axis] !== 1) strides[axis] = step;
    step *= g.shape[axis];
  }
  const groupOf = (i: number) => {
    let rest = i;
    let group = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      group += (rest % shape[axis]) * strides[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    return group;
  };
  const groups = Uint32Array.from({ length: elementCount(shape) }, (_, i) => groupOf(i));
  const squares = new Float64Array(g.data.length);
  for (const [i, value] of v.data.entries()) squares[groups[i]] += value * value;
  const values = Array.from(
    v.data,
    (value, i) => (g.data[groups[i]] * value) / Math.sqrt(squares[groups[i]]),
  );
  return tensor(shape, values, v.dtype);
}
