import { expect, test } from 'vitest';
import { misfit } from '../../../src/diagnose/conventions/misfit.js';
import { predict } from '../../../src/diagnose/conventions/predict.js';
import { type Search, searchPairs, searchSingles } from '../../../src/diagnose/conventions/search.js';
import type { Variant } from '../../../src/diagnose/conventions/variant.js';
import type { Network } from '../../../src/module/bind.js';
import type { Floats } from '../../../src/tensor/dtype.js';
import { moduleOf } from '../../engine/module.js';
import { networkOf, sequenceOf } from '../../engine/random-network.js';
import { boundOf } from '../bound.js';

const MODULE = moduleOf('RNN', { input_size: 2, hidden_size: 3 });
const NETWORK = networkOf(MODULE, 7);
const SEQUENCE = sequenceOf(MODULE, 12, 1, 3);
const BASE = predict(NETWORK, SEQUENCE, {});
const WITHOUT_BIASES = predict(NETWORK, SEQUENCE, { biases: 'none' }).output;
const NAME = 'biases none';

/** A search with these allowances, one of each step. */
function searchOf(output: Floats, allowed: readonly number[]): Search {
  return {
    boundCase: boundOf(NETWORK, SEQUENCE, { output }),
    base: BASE,
    allowances: [{ rows: Float64Array.from(allowed), largest: Math.max(...allowed) }],
  };
}

const every = (allowed: number) => new Array<number>(SEQUENCE.steps).fill(allowed);
const rootMeanSquare = (values: ArrayLike<number>) =>
  Math.hypot(...Array.from(values)) / Math.sqrt(values.length);
const apart = rootMeanSquare(BASE.output.map((value, i) => value - WITHOUT_BIASES[i]));

test.each([
  [0.04, true],
  [0.06, false],
])('a convention that leaves %d of the difference explains it: %s', async (part, explains) => {
  // The whole difference is within the allowance, so that only the RMS decides.
  const output = WITHOUT_BIASES.map((value, i) => value + (i % 2 ? 1 : -1) * part * apart);
  const { fits, nextBest } = await searchSingles(searchOf(output, every(0.5 * apart)));
  expect(fits.map(({ hypotheses }) => hypotheses[0].name)).toEqual(explains ? [NAME] : []);
  if (!explains) expect(nextBest!.hypotheses[0].name).toBe(NAME);
});

test.each([
  [3, true],
  [5, false],
])(
  'a convention that is %d allowances off in the first step is looked at further: %s',
  async (times, further) => {
    const allowance = 1e-6;
    const output = WITHOUT_BIASES.slice();
    output[1] += times * allowance;
    const { fits, nextBest } = await searchSingles(searchOf(output, every(allowance)));
    expect(fits).toEqual([]);
    expect(nextBest?.hypotheses[0].name === NAME).toBe(further);
  },
);

/** The ratio of a difference as large as the largest allowance, in a step with a hundredth of that allowance. */
function ratioWith(variant: Variant): number {
  const output = BASE.output.slice();
  output[2] += 1e-4;
  return misfit(searchOf(output, every(1e-4).with(0, 1e-6)), BASE, variant, false).ratio;
}

test.each<Variant>([
  { outputShift: 'late' },
  { outputOrder: 'reversed' },
  { axes: 'exchanged' },
  { reverse: 'in its own order' },
  { lengths: 'ignored' },
  { finals: 'of the last step' },
])('with %j, which moves values in time, every step has the largest allowance', (variant) => {
  expect(ratioWith(variant)).toBeCloseTo(1, 6);
});

test.each<Variant>([{ biases: 'none' }, { inputShift: 'late' }, { reverse: 'forward too' }])(
  'with %j each step has its own allowance',
  (variant) => {
    expect(ratioWith(variant)).toBeCloseTo(100, 4);
  },
);

test('pairs are tried until the work is spent', async () => {
  // One run of this size is more work than all pairs may take; with weights of zero every pair fits.
  const [size, steps, batch] = [512, 2, 2048];
  const module = moduleOf('RNN', { input_size: size, hidden_size: size });
  const zeros = {
    weightIh: new Float64Array(size * size),
    weightHh: new Float64Array(size * size),
    biasIh: new Float64Array(size),
    biasHh: new Float64Array(size),
  };
  const network: Network = { module, layers: [[zeros]] };
  const sequence = { steps, batch, input: new Float64Array(steps * batch * size) };
  const output = new Float64Array(steps * batch * size);
  let count = 0;
  const { tried } = await searchPairs(
    {
      boundCase: boundOf(network, sequence, { output }),
      base: { output },
      allowances: [{ rows: Float64Array.of(1, 1), largest: 1 }],
      onProgress: () => {
        count++;
        if (count > 3) throw new Error('the work was spent by the first');
      },
    },
    [],
  );
  expect(tried.pairs).toBe(1);
  expect(tried.ofPairs).toBeGreaterThan(100);
});
