import type { Network, Parameters, Sequence } from '../module/bind.js';
import type { Floats } from '../tensor/dtype.js';
import type { Uncertainty } from './envelope.js';

/** How far a number that was printed with so many decimals may be from what it was. */
export function halfUnit(decimals: number): number {
  return 0.5 * 10 ** -decimals;
}

/**
 * How far the numbers of a case may be from what was computed with, where they were printed with so many decimals. An
 * input or a state of whole numbers is taken as it is.
 */
export function printedUncertainty(
  { layers }: Network,
  { input, h0, c0 }: Sequence,
  decimals: number,
): Uncertainty {
  const each = halfUnit(decimals);
  const filled = (values: Floats) => new Float64Array(values.length).fill(each);
  const unlessWhole = (values: Floats | undefined) =>
    values && !values.every(Number.isInteger) ? filled(values) : undefined;
  return {
    layers: layers.map((ways) =>
      ways.map(
        ({ weightIh, weightHh, biasIh, biasHh, weightHr }): Parameters => ({
          weightIh: filled(weightIh),
          weightHh: filled(weightHh),
          biasIh: biasIh && filled(biasIh),
          biasHh: biasHh && filled(biasHh),
          weightHr: weightHr && filled(weightHr),
        }),
      ),
    ),
    input: unlessWhole(input),
    h0: unlessWhole(h0),
    c0: unlessWhole(c0),
  };
}
