import { describe, expect, test } from 'vitest';
import { hasFastCells } from '../../src/bounds/fast-cells.js';
import { PROFILES } from '../../src/bounds/profiles.js';
import { varianceModel } from '../../src/bounds/variance.js';
import { worstCaseModel } from '../../src/bounds/worst-case.js';
import { chooseKernels } from '../../src/engine/kernels/choose.js';
import type { ErrorStep, Kernels } from '../../src/engine/kernels/kernels.js';
import { plainFloat64 } from '../../src/engine/kernels/plain.js';
import type { KernelName } from '../../src/engine/options.js';
import type { Kind } from '../../src/kinds.js';

const { kernels } = chooseKernels('LSTM', 'float64', 0, { kernels: 'simd' });
const model = varianceModel(PROFILES.torch);

/** Kernels that do this after each step of one kind. */
function spoilt(kind: Kind, after: (step: ErrorStep, before: ErrorStep) => void): Kernels {
  return {
    ...kernels,
    workspace(factors, lengths, singles) {
      const made = kernels.workspace(factors, lengths, singles);
      const own = made.varianceStep![kind];
      return {
        ...made,
        varianceStep: {
          ...made.varianceStep!,
          [kind]: (step: ErrorStep, terms: Parameters<typeof own>[1]) => {
            const before = { ...step, h: step.h.slice(), c: step.c.slice(), cError: step.cError.slice() };
            own(step, terms);
            after(step, before);
          },
        },
      };
    },
  };
}

let names = 0;
/** The answer is kept by the name. */
const agrees = (kind: Kind, after: (step: ErrorStep, before: ErrorStep) => void) =>
  hasFastCells(spoilt(kind, after), `spoilt ${names++}` as KernelName, model, kind);

test("kernels' own cells are used where they give the model's numbers, and no others", () => {
  expect(hasFastCells(kernels, 'simd', model, 'LSTM')).toBe(true);
  const lastOff = spoilt('GRU', ({ hError, rows, hidden_size }) => {
    hError[rows * hidden_size - 1] *= 1 + 1e-9;
  });
  expect(hasFastCells(lastOff, 'simd', model, 'GRU')).toBe(false);
  // Looked at once.
  expect(hasFastCells(kernels, 'simd', model, 'GRU')).toBe(false);
  expect(hasFastCells(plainFloat64, 'plain', model, 'LSTM')).toBe(false);
});

test('bounds go through no kernel', () => {
  expect(hasFastCells(kernels, 'simd', worstCaseModel(PROFILES.torch), 'LSTM')).toBe(false);
  expect(hasFastCells(kernels, 'simd', worstCaseModel(PROFILES.torch), 'RNN')).toBe(false);
  expect(hasFastCells(kernels, 'simd', model, 'RNN')).toBe(true);
});

describe('cells that are wrong somewhere are not used:', () => {
  const all = ({ rows, hidden_size }: ErrorStep) => [...Array(rows * hidden_size).keys()];

  test.each<[string, Kind, (step: ErrorStep, i: number, before: ErrorStep) => boolean]>([
    ['of large sums', 'RNN', ({ gates, hidden }, i) => gates[i] + hidden[i] > 4],
    ['of negative ones', 'RNN', ({ gates, hidden }, i) => gates[i] + hidden[i] < -4],
    ['of small variances', 'RNN', ({ gatesError }, i) => gatesError[i] < 1e-24],
    ['of the largest', 'RNN', ({ gatesError }, i) => gatesError[i] > 1e3],
    ['of the biases', 'RNN', ({ biasError, hidden_size }, i) => biasError[i % hidden_size] > 1e3],
    ['of relu', 'RNN', ({ nonlinearity }) => nonlinearity === 'relu'],
    ['of a large cell state', 'LSTM', (_, i, { c }) => c[i] < -2],
    ['of one that is hardly known', 'LSTM', (_, i, { cError }) => cError[i] > 1e3],
  ])('%s', (_, kind, isWrong) => {
    const wrong = (name: 'h' | 'hError') =>
      agrees(kind, (step, before) => {
        for (const i of all(step))
          if (isWrong(step, i, before)) step[name][i] += 1e-9 * Math.max(name === 'h' ? 1 : 0, step[name][i]);
      });
    expect(wrong('h')).toBe(false);
    expect(wrong('hError')).toBe(false);
  });

  test('of what an LSTM carries', () => {
    const off = (name: 'c' | 'cError') =>
      agrees('LSTM', (step) => {
        step[name][5] += 1e-9 * Math.max(name === 'c' ? 1 : 0, step[name][5]);
      });
    expect([off('c'), off('cError')]).toEqual([false, false]);
  });

  test('also of variances that are nearly nothing', () => {
    const off = (name: 'hError' | 'cError', kind: Kind) =>
      agrees(kind, (step) => {
        for (const i of all(step)) if (step[name][i] < 1e-6) step[name][i] *= 1 + 1e-9;
      });
    expect([off('hError', 'RNN'), off('hError', 'LSTM'), off('cError', 'LSTM')]).toEqual([
      false,
      false,
      false,
    ]);
  });

  test('but the terms of a value may cancel', () => {
    const off = (name: 'h' | 'c') =>
      agrees('LSTM', (step) => {
        for (const i of all(step)) if (Math.abs(step[name][i]) < 0.5) step[name][i] += 5e-11;
      });
    expect([off('h'), off('c')]).toEqual([true, true]);
  });
});
