import { describe, expect, test } from 'vitest';
import { allowances } from '../../../src/diagnose/conventions/allowance.js';
import { inputScale } from '../../../src/diagnose/conventions/input-scale.js';
import { predict } from '../../../src/diagnose/conventions/predict.js';
import { readOff } from '../../../src/diagnose/conventions/read-off.js';
import type { Variant } from '../../../src/diagnose/conventions/variant.js';
import type { Module } from '../../../src/module/parameters.js';
import type { Floats } from '../../../src/tensor/dtype.js';
import { moduleOf } from '../../engine/module.js';
import { networkOf, sequenceOf } from '../../engine/random-network.js';
import { boundOf } from '../bound.js';

const [STEPS, BATCH] = [9, 3];

/** A case whose reference is made so, and what it is compared with. */
async function targetOf(variant: Variant, said: Partial<Module> = {}, made = (output: Floats) => output) {
  const module = moduleOf('GRU', { input_size: 4, hidden_size: 4, ...said });
  const network = networkOf(module, 3);
  const sequence = sequenceOf(module, STEPS, BATCH, 4);
  const { output, h_n } = predict(network, sequence, variant);
  const boundCase = boundOf(network, sequence, { output: made(output), h_n });
  return {
    boundCase,
    base: predict(network, sequence, {}),
    allowances: await allowances(boundCase, undefined),
  };
}

const found = async (variant: Variant, said?: Partial<Module>, made?: (output: Floats) => Floats) =>
  readOff(await targetOf(variant, said, made)).map(({ change, says }) => ({ change, says }));

test('nothing is read off an output that is PyTorch’s, nor off one that is none of it', async () => {
  expect(await found({})).toEqual([]);
  expect(await found({ biases: 'none' })).toEqual([]);
});

describe('batch rows', () => {
  test.each([
    [[1, 2, 0], 'the batch rows are in another order: 1, 2, 0'],
    [[0, 0, 0], 'every batch row is row 0'],
  ])('%o', async (batchOrder, says) => {
    expect((await found({ batchOrder }))[0]).toEqual({ change: { batchOrder }, says });
  });
});

describe('units', () => {
  test.each([
    [[1, 0, 2, 3], 'units 0 and 1 of the output are swapped'],
    [[1, 2, 3, 0], 'the units of the output are in another order: 1, 2, 3, 0'],
  ])('%o', async (unitOrder, says) => {
    expect(await found({ unitOrder })).toContainEqual({ change: { unitOrder }, says });
  });
});

describe('a factor', () => {
  test('of any size', async () => {
    const [{ change, says }] = await found({ outputScale: { factor: 0.5 } });
    expect(change.outputScale?.factor).toBeCloseTo(0.5, 12);
    expect(says).toBe('the output is multiplied by 0.5');
  });

  test('and a number that is added', async () => {
    const [{ change, says }] = await found({ outputScale: { factor: 2, shift: -0.5 } });
    expect(change.outputScale?.factor).toBeCloseTo(2, 10);
    expect(change.outputScale?.shift).toBeCloseTo(-0.5, 10);
    expect(says).toBe("the output is 2 y − 0.5, where y is the module's own");
  });

  test('of each unit, with a number that is added, after a LayerNorm or without', async () => {
    const lines: readonly (readonly [number, number])[] = [
      [2, -0.5],
      [0.5, 0],
      [1.25, 0.1],
      [-1, 0.3],
    ];
    for (const after of [undefined, 'layer norm'] as const) {
      const [{ change, says }] = await found({ after, unitScale: lines });
      expect(says).toBe(
        after
          ? 'the output goes through a LayerNorm with weights'
          : 'each unit of the output is scaled and shifted by numbers of its own, as a BatchNorm does',
      );
      expect(change.after).toBe(after);
      for (const [unit, [factor, shift]] of change.unitScale!.entries()) {
        expect(factor).toBeCloseTo(lines[unit][0], 9);
        expect(shift).toBeCloseTo(lines[unit][1], 9);
      }
    }
    const targets = await targetOf({ unitScale: lines });
    const [output] = targets.boundCase.references;
    const short = { ...output, rows: 2, data: output.data.slice(0, 24) };
    expect(readOff({ ...targets, boundCase: { ...targets.boundCase, references: [short] } })).toEqual([]);
  });

  test('with whole numbers after it', async () => {
    const all = await found({ outputScale: { factor: 32767, whole: 'rounded' } });
    expect(all).toContainEqual({
      change: { outputScale: { factor: 32767, whole: 'rounded' } },
      says: 'the output is multiplied by 32767, and rounded to whole numbers',
    });
  });

  test('is none where a fifth of the output is something else', async () => {
    const noisy = (output: Floats) => output.map((value, i) => 2 * value + (i % 5 ? 0 : 0.1));
    expect(await found({}, {}, noisy)).toEqual([]);
  });
});

test('steps without a state: the first that differs says how many', async () => {
  expect(await found({ dropEvery: 4 })).toEqual([
    {
      change: { dropEvery: 4 },
      says: 'the state is dropped every 4 steps: steps 4, 8, … begin from the initial state',
    },
  ]);
  expect((await found({ dropEvery: 6 }))[0].says).toBe(
    'the state is dropped at step 6, which begins from the initial state',
  );
  // That is every step on its own, which is another convention.
  expect(await found({ carry: 'none' })).toEqual([]);
});

describe('final states', () => {
  const states = { num_layers: 2, bidirectional: true };
  // [layers·directions, batch]
  const own = Array.from({ length: 4 * BATCH }, (_, i) => i);
  test.each([
    [
      'rows',
      own.map((i) => 3 * Math.floor(i / 3) + ((i + 1) % 3)),
      'the batch rows of h_n are in another order: 1, 2, 0',
    ],
    [
      'states',
      own.map((i) => ((Math.floor(i / 3) + 1) % 4) * 3 + (i % 3)),
      'the layers and directions of h_n are in another order: 1, 2, 3, 0',
    ],
    [
      'reshaped',
      own.map((i) => (i % 4) * 3 + Math.floor(i / 4)),
      'h_n was reshaped where layers·directions and batch should have been transposed',
    ],
    [
      'reshaped back',
      own.map((i) => (i % 3) * 4 + Math.floor(i / 3)),
      'h_n was reshaped where layers·directions and batch should have been transposed',
    ],
    ['mixed', own.toReversed(), 'layers, directions and batch rows of h_n are mixed up'],
  ])('%s', async (_, finalOrder, says) => {
    expect(await found({ finalOrder }, states)).toContainEqual({ change: { finalOrder }, says });
  });
});

describe('the input', () => {
  const scales = async (inputScale_: readonly [number, number], said: Partial<Module> = {}) =>
    inputScale(await targetOf({ inputScale: inputScale_ }, said)).map(({ change, says }) => ({
      scale: change.inputScale,
      says,
    }));

  test('multiplied by a number', async () => {
    const [{ scale, says }] = await scales([0.5, 0]);
    expect(scale![0]).toBeCloseTo(0.5, 8);
    expect(scale![1]).toBe(0);
    expect(says).toBe('the input is multiplied by 0.5');
  });

  test('with a number added', async () => {
    const [{ scale, says }] = await scales([2, -0.25]);
    expect(scale![0]).toBeCloseTo(2, 6);
    expect(scale![1]).toBeCloseTo(-0.25, 6);
    expect(says).toBe('the input is scaled otherwise: 2 x − 0.25');
  });

  test('as it is', async () => expect(await scales([1, 0])).toEqual([]));
  test('of another fault is not scaled', async () => {
    expect(inputScale(await targetOf({ biases: 'none' }))).toEqual([]);
  });
  test('is not read off fewer values than tell', async () => {
    const target = await targetOf({ inputScale: [0.5, 0] });
    const [output] = target.boundCase.references;
    const short = { ...output, rows: 2, data: output.data.slice(0, 23) };
    expect(inputScale({ ...target, boundCase: { ...target.boundCase, references: [short] } })).toEqual([]);
  });
});
