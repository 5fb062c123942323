import type { Floats } from '../tensor/dtype.js';
import type { BoundCase } from './bind.js';
import { directionsOf, parameterShapes, suffix } from './parameters.js';

/** A tensor among weights, input and states that has NaN or infinite values. */
export interface NotFinite {
  readonly name: string;
  readonly nans: number;
  readonly infinities: number;
  /** Indices of the first such value; in an input or a state, time comes first and there is a batch dimension. */
  readonly first: readonly number[];
}

/** The weights, input and states that have NaN or infinite values. */
export function notFinite({ network, sequence }: BoundCase): NotFinite[] {
  const { module, layers } = network;
  const { batch, input, h0, c0 } = sequence;
  const sizes = new Map(
    parameterShapes(module).map(({ name, dimensions }) => [name, dimensions.map(({ size }) => Number(size))]),
  );
  const parameters = layers.flatMap((perDirection, layer) =>
    perDirection.flatMap(({ weightIh, weightHh, biasIh, biasHh, weightHr }, d) => {
      const end = suffix(module, layer, directionsOf(module)[d]);
      const named = {
        weight_ih: weightIh,
        weight_hh: weightHh,
        bias_ih: biasIh,
        bias_hh: biasHh,
        weight_hr: weightHr,
      };
      return Object.entries(named).map(([name, values]) => ({
        name: module.prefix + name + end,
        values,
        shape: sizes.get(name + end) ?? [],
      }));
    }),
  );
  const ofState = (values: Floats | undefined) => [
    0,
    batch,
    (values?.length ?? 0) / layers.length / directionsOf(module).length / batch,
  ];
  return [
    ...parameters,
    { name: 'input', values: input, shape: [0, batch, module.input_size] },
    { name: 'h_0', values: h0, shape: ofState(h0) },
    { name: 'c_0', values: c0, shape: ofState(c0) },
  ].flatMap(({ name, values, shape }) => (values ? notFiniteIn(name, values, shape) : []));
}

/** @param shape the first size may have any value: it is not needed */
function notFiniteIn(name: string, values: Floats, shape: readonly number[]): NotFinite[] {
  if (areFinite(values)) return [];
  let [nans, infinities, first] = [0, 0, -1];
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    if (Number.isNaN(values[i])) nans++;
    else infinities++;
    if (first < 0) first = i;
  }
  const indices: number[] = [];
  for (let axis = shape.length - 1; axis > 0; axis--) {
    indices.unshift(first % shape[axis]);
    first = Math.floor(first / shape[axis]);
  }
  return [{ name, nans, infinities, first: [first, ...indices] }];
}

/** Products with zero are NaN for what is not finite. Four sums, so that the processor need not wait for each addition. */
function areFinite(values: Floats): boolean {
  let [a, b, c, d] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 4 <= values.length; i += 4) {
    a += 0 * values[i];
    b += 0 * values[i + 1];
    c += 0 * values[i + 2];
    d += 0 * values[i + 3];
  }
  for (; i < values.length; i++) a += 0 * values[i];
  return !Number.isNaN(a + b + c + d);
}
