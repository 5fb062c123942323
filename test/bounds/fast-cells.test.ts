import { expect, test } from 'vitest';
import { hasFastCells } from '../../src/bounds/fast-cells.js';
import { PROFILES } from '../../src/bounds/profiles.js';
import { varianceModel } from '../../src/bounds/variance.js';
import { worstCaseModel } from '../../src/bounds/worst-case.js';
import { chooseKernels } from '../../src/engine/kernels/choose.js';
import type { Kernels } from '../../src/engine/kernels/kernels.js';
import { plainFloat64 } from '../../src/engine/kernels/plain.js';

const { kernels } = chooseKernels('LSTM', 'float64', 0, { kernels: 'simd' });
const model = varianceModel(PROFILES.torch);

/** Kernels whose variance of every h is off by a hair. */
const spoilt: Kernels = {
  ...kernels,
  workspace(factors, lengths, singles) {
    const made = kernels.workspace(factors, lengths, singles);
    const { GRU, ...others } = made.varianceStep!;
    return {
      ...made,
      varianceStep: {
        ...others,
        GRU(step, terms) {
          GRU(step, terms);
          step.hError[step.rows * step.hidden_size - 1] *= 1 + 1e-9;
        },
      },
    };
  },
};

test("kernels' own cells are used where they give the model's numbers, and no others", () => {
  expect(hasFastCells(kernels, 'simd', model, 'LSTM')).toBe(true);
  expect(hasFastCells(spoilt, 'simd', model, 'GRU')).toBe(false);
  // Looked at once.
  expect(hasFastCells(kernels, 'simd', model, 'GRU')).toBe(false);
  expect(hasFastCells(plainFloat64, 'plain', model, 'LSTM')).toBe(false);
});

test('bounds go through no kernel', () => {
  expect(hasFastCells(kernels, 'simd', worstCaseModel(PROFILES.torch), 'LSTM')).toBe(false);
  expect(hasFastCells(kernels, 'simd', worstCaseModel(PROFILES.torch), 'RNN')).toBe(false);
  expect(hasFastCells(kernels, 'simd', model, 'RNN')).toBe(true);
});
