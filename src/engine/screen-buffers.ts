import { carriesCell, KINDS } from '../kinds.js';
import { outputSize } from '../module/parameters.js';
import { DEVIATIONS, DIFFERENCE_NAMES, type Factor } from './kernels/kernels.js';
import type { LayerRun } from './layer-run.js';

/** The number of runs that round at random: with fewer a standard deviation is too uncertain, with more it takes too long. */
export const SAMPLES = 8;

/** The factors that a screening adds to those of W_ih x and W_hh h. */
export function screenFactors(run: LayerRun, input: Factor, hidden: Factor): Record<string, Factor> {
  const { batch, screening } = run;
  if (!screening) return {};
  const { perSquare, expected } = screening;
  const needsDifferences = expected || maySample(run);
  const ofVariances = (factor: Factor, rows: Factor['rows']): Factor => ({
    ...factor,
    bias: factor.bias?.map((value) => perSquare * value * value),
    squared: true,
    precision: 'float32',
    rows,
  });
  return {
    varianceX: ofVariances(input, 'many'),
    varianceH: ofVariances(hidden, batch > 1 || expected ? 'many' : 'one'),
    ...(needsDifferences && {
      difference: { ...hidden, bias: undefined, precision: 'float32', rows: 'many' },
    }),
  };
}

/** Whether errors can be sampled: threads that divide the units would have to exchange all samples. */
function maySample({ steps, batch, rowsAt, share, screening }: LayerRun): boolean {
  return !share && !screening?.expected && rowsAt(0) === batch && rowsAt(steps - 1) === batch;
}

/** The float32 buffers of a screening, for chunks of `chunk` steps and this many units. */
export function screenBuffers(run: LayerRun, chunk: number, units: number) {
  const { module, batch, input_size, screening } = run;
  const rows = screening ? chunk * batch : 0;
  const size = outputSize(module);
  const columns = KINDS[module.kind].gates.length * units;
  const own = screening ? batch * units : 0;
  const cells = carriesCell(module.kind) ? 1 : 0;
  const samples = screening && maySample(run) ? SAMPLES * batch : 0;
  return {
    sumsX: rows * columns, // [chunk, batch, gates·units]
    sumsH: rows * columns,
    dSums: rows * columns,
    vX: rows * columns,
    vH: rows * columns,
    biasesV: screening ? columns : 0,
    operandX: rows * input_size, // of the products that give variances
    operandH: rows * size,
    before: rows * size, // h before each step [chunk, batch, output size]
    dBefore: rows * size, // reference − h before each step
    dAfter: rows * size, // the same after it
    carried: screening ? batch * size : 0, // after the last step: reference − h or, where the layer runs free, the variance of h
    cBefore: cells * rows * units,
    dh: own, // [batch, units]
    hV: own,
    dc: cells * own,
    cV: cells * own,
    sampledSums: samples * columns, // [SAMPLES, batch, gates·units]
    sampledH: samples * units, // [SAMPLES, batch, units]
    sampledC: cells * samples * units,
    ids: samples ? batch : 0,
  };
}

/** The float64 buffers of a screening: sums over all steps, and what the differences are taken of. */
export function screenDoubles({ module, batch, screening }: LayerRun, chunk: number, units: number) {
  const isKnown = screening?.expected !== undefined;
  const sums = isKnown ? batch * roundedUp(units) : 0;
  return {
    squares: sums,
    counts: sums,
    reference: isKnown ? chunk * batch * outputSize(module) : 0, // [chunk, batch, output size]
    differences: isKnown ? chunk * DIFFERENCE_NAMES.length : 0, // [chunk, DIFFERENCES]
  };
}

/** How many sums of deviations a row of so many units has: kernels write whole vectors. */
export const roundedUp = (units: number) => Math.ceil(units / DEVIATIONS) * DEVIATIONS;

export type Singles = ReturnType<typeof screenBuffers>;
export type Doubles = ReturnType<typeof screenDoubles>;
