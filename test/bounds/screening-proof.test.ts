import { expect, test } from 'vitest';
import { differencesAlike } from '../../src/bounds/differences-proof.js';
import { PROFILES } from '../../src/bounds/profiles.js';
import { screensAlike } from '../../src/bounds/screening-proof.js';
import { varianceModel } from '../../src/bounds/variance.js';
import { chooseKernels } from '../../src/engine/kernels/choose.js';
import type {
  DifferenceStep,
  Kernels,
  SampleStep,
  ScreenKernels,
  ScreenStep,
  ScreenTerms,
} from '../../src/engine/kernels/kernels.js';
import { plainFloat64 } from '../../src/engine/kernels/plain.js';
import type { Floats } from '../../src/tensor/dtype.js';

const { kernels } = chooseKernels('LSTM', 'float64', 0, { kernels: 'simd' });
const model = varianceModel(PROFILES.generic);
const KINDS = ['RNN', 'GRU', 'LSTM'] as const;
const unit = PROFILES.generic.store;
const { sigmas, ...variances } = model.kernelTerms!(20);
const TERMS: ScreenTerms = {
  ...(Object.fromEntries(
    Object.entries(variances).map(([name, value]) => [name, value / unit ** 2]),
  ) as typeof variances),
  reach: sigmas * unit,
  least: 1e-30,
  most: 1e10,
  mostOfStates: 1e10,
  farthest: (256 * unit) ** 2,
  perUnit: 1 / unit,
};

interface Change {
  readonly screen?: (screen: ScreenKernels) => ScreenKernels;
  readonly product?: string;
}

/** The kernels with one thing that is not right. */
const spoilt = ({ screen, product }: Change): Kernels => ({
  ...kernels,
  workspace(factors, lengths, singles) {
    const made = kernels.workspace(factors, lengths, singles);
    const products = Object.entries(made.products).map(([name, right]) => {
      const wrong: typeof right = (out, x, rows) => {
        right(out, x, rows);
        for (let i = 0; i < out.length; i++) out[i] *= 1.001;
      };
      return [name, name === product ? wrong : right];
    });
    return {
      ...made,
      products: Object.fromEntries(products),
      screen: screen ? screen(made.screen!) : made.screen,
    };
  },
});

/** The kernels with a step after which this is done. */
const afterStep = (change: (step: ScreenStep) => void) =>
  spoilt({
    screen: (right) => {
      const changed = (kind: (typeof KINDS)[number]) => (step: ScreenStep, terms: ScreenTerms) => {
        const isUnfit = right.step[kind](step, terms);
        change(step);
        return isUnfit;
      };
      return { ...right, step: { RNN: changed('RNN'), GRU: changed('GRU'), LSTM: changed('LSTM') } };
    },
  });

/** The kernels with other samples, where rounding is left out or not. */
const afterSamples = (isRounding: boolean, change: (sample: SampleStep) => void) =>
  spoilt({
    screen: (right) => {
      const changed = (kind: (typeof KINDS)[number]) => (sample: SampleStep, terms: ScreenTerms) => {
        right.sample[kind](sample, terms);
        if (terms.rounding > 0 === isRounding) change(sample);
      };
      return { ...right, sample: { RNN: changed('RNN'), GRU: changed('GRU'), LSTM: changed('LSTM') } };
    },
  });

/** The kernels with other deviations. */
const afterDeviations = (change: (squares: Floats, counts: Floats, largest: number) => number) =>
  spoilt({
    screen: (right) => ({
      ...right,
      deviations: (step, terms, d, at, squares, counts) =>
        change(squares, counts, right.deviations(step, terms, d, at, squares, counts)),
    }),
  });

const alike = (changed: Kernels, kind: (typeof KINDS)[number]) => screensAlike(changed, model, kind, TERMS);

test.each(KINDS)(
  "kernels' screening of %s is used where it gives the model's numbers, and no other",
  (kind) => {
    expect(alike(kernels, kind)).toBe(true);
    expect(alike(plainFloat64, kind)).toBe(false);
    const scaled = (name: 'dh' | 'hV' | 'dc' | 'cV', i: number, factor: number) =>
      alike(
        afterStep((step) => {
          step[name][i] =
            factor * step[name][i] + (name === 'dh' || name === 'dc' ? (factor - 1) * 30 * unit : 0);
        }),
        kind,
      );
    for (const i of [0, 20]) {
      for (const factor of [1.001, 0.999]) {
        for (const name of ['dh', 'hV'] as const) expect(scaled(name, i, factor), `${name} ${i}`).toBe(false);
        for (const name of ['dc', 'cV'] as const)
          expect(scaled(name, i, factor), `${name} ${i}`).toBe(kind !== 'LSTM');
      }
    }
    const scaledSamples = (isRounding: boolean, name: 'h' | 'c', factor: number) =>
      alike(
        afterSamples(isRounding, (sample) => {
          for (let i = 0; i < sample[name].length; i++) sample[name][i] *= factor;
        }),
        kind,
      );
    for (const factor of [1.01, 0.99]) {
      expect(scaledSamples(false, 'h', factor), `errors × ${factor}`).toBe(false);
      expect(scaledSamples(false, 'c', factor), `errors of c × ${factor}`).toBe(kind !== 'LSTM');
    }
    for (const factor of [1.25, 0.8])
      expect(scaledSamples(true, 'h', factor), `noise × ${factor}`).toBe(false);
    for (const product of ['difference', 'variance'])
      expect(alike(spoilt({ product }), kind), product).toBe(false);
    const rest: Record<string, Kernels> = {
      squares: afterDeviations((squares, _, largest) => {
        squares[22] *= 1.001;
        return largest;
      }),
      counts: afterDeviations((_, counts, largest) => {
        counts[22]++;
        return largest;
      }),
      'a larger deviation': afterDeviations((_, __, largest) => largest * 1.001),
      'a smaller deviation': afterDeviations((_, __, largest) => largest * 0.999),
      'no deviation': afterDeviations(() => Number.NaN),
      doubts: spoilt({
        screen: (right) => ({ ...right, step: { RNN: () => true, GRU: () => true, LSTM: () => true } }),
      }),
    };
    for (const [name, changed] of Object.entries(rest)) expect(alike(changed, kind), name).toBe(false);
  },
);

/** The kernels with other differences. */
const afterDifferences = (change: (step: DifferenceStep, row: number) => void) =>
  spoilt({
    screen: (right) => ({
      ...right,
      differences: (step, closeness, row) => {
        right.differences(step, closeness, row);
        change(step, row);
      },
    }),
  });

test("kernels' differences are used where they are those of plain arithmetic, and no others", () => {
  expect(differencesAlike(kernels)).toBe(true);
  expect(differencesAlike(plainFloat64)).toBe(false);
  for (const name of ['before', 'after', 'last', 'told'] as const) {
    for (const changedRow of [0, 1]) {
      const perRow = { before: 7, after: 7, last: 0, told: 5 }[name];
      for (const i of name === 'told' ? [0, 1, 2, 3, 4] : [0, 3, 6]) {
        // Something of nothing is infinite.
        if (name === 'told' && i === 1 && changedRow === 1) continue;
        const changed = afterDifferences((step, row) => {
          if (row === changedRow) step[name][changedRow * perRow + i] *= 1 + 1e-6;
        });
        expect(differencesAlike(changed), `${name} ${changedRow} ${i}`).toBe(false);
      }
    }
  }
});
