import { describe, expect, test } from 'vitest';
import { envelope } from '../../src/bounds/envelope.js';
import { PROFILES } from '../../src/bounds/profiles.js';
import type { BoundCase } from '../../src/module/bind.js';
import { type FloatDtype, roundTo } from '../../src/tensor/dtype.js';
import { coarserProfile } from '../../src/verdict/coarser.js';
import { judgeRounding } from '../../src/verdict/rounding.js';
import { moduleOf } from '../engine/module.js';
import { networkOf, sequenceOf } from '../engine/random-network.js';
import { boundOf, reluOf, type StoredTensors, values } from './bound.js';

const coarser = (boundCase: BoundCase) => coarserProfile(boundCase, judgeRounding(boundCase, {}), {});

describe('values that are stored in 16 bits', () => {
  const network = networkOf(moduleOf('GRU', { input_size: 3, hidden_size: 4, num_layers: 2 }), 7);
  const sequence = sequenceOf(network.module, 10, 2, 7);
  /** As it was computed in 16 bits, and stored as float32. */
  const rounded = async (
    dtype: FloatDtype,
    stored: StoredTensors = { output: {} },
    others?: Partial<BoundCase>,
  ) => {
    const boundCase = await boundOf(network, sequence, stored, others);
    const references = boundCase.references.map((one) => ({
      ...one,
      data: one.data.map((v) => roundTo(v, dtype)),
    }));
    return { ...boundCase, references };
  };

  test('are named by their precision', async () => {
    expect(await coarser(await rounded('F16'))).toBe('f16');
    expect(await coarser(await rounded('BF16'))).toBe('bf16');
    expect(await coarser(await rounded('F32'))).toBeUndefined();
  });

  test('are named where all references are, and say so', async () => {
    const both = await rounded('F16', { output: {}, h_n: {} });
    expect(coarser(both)).toBe('f16');
    const { references } = await rounded('F32', { output: {}, h_n: {} });
    expect(coarser({ ...both, references: [both.references[0], references[1]] })).not.toBe('f16');
    const [output, h_n] = both.references;
    expect(coarser({ ...both, references: [output, { ...h_n, dtype: 'F64' }] })).toBeUndefined();
    expect(coarser({ ...both, references: [{ ...output, dtype: 'F16' }, h_n] })).toBeUndefined();
  });

  test('are named where half of all values are faults, and not where fewer are', async () => {
    const boundCase = await rounded('F16', { output: {}, h_n: {} });
    const [output, h_n] = judgeRounding(boundCase, {});
    const named = (...counts: readonly number[]) => {
      const judgements = [output, h_n].map((one, i) => ({
        ...one,
        faults: one.faults.map((_, at) => Number(at < counts[i])),
      }));
      return coarserProfile(boundCase, judgements, {});
    };
    // Of 80 and 16.
    expect(named(48, 0)).toBe('f16');
    expect(named(32, 16)).toBe('f16');
    expect(named(47, 0)).toBeUndefined();
    expect(named(32, 15)).toBeUndefined();
  });

  test('are not named where one of them is a fault', async () => {
    const boundCase = await rounded('F16', { output: {}, h_n: {} });
    const [output, h_n] = boundCase.references;
    const data = output.data.slice();
    data[79] += 0.25;
    const judgements = judgeRounding(boundCase, {});
    const references = [{ ...output, data }, h_n];
    expect(coarserProfile({ ...boundCase, references }, judgements, {})).toBeUndefined();
  });

  test('may be NaN where nothing can be said of them', async () => {
    const relu = await boundOf(reluOf([3.0003, 3.0003, 3e37], new Array(9).fill(0)), ONE_STEP, {
      output: {},
    });
    const [output] = relu.references;
    expect(coarser({ ...relu, references: [{ ...output, data: values(3, 3, Number.NaN) }] })).toBe('f16');
  });
});

const ONE_STEP = { steps: 1, batch: 1, input: values(1) };

describe('units that give their weights', () => {
  /** What is said where these values stand in the place of the weights. */
  const named = async (weights: readonly number[], data: readonly number[], others?: Partial<BoundCase>) => {
    const network = reluOf(weights, new Array(weights.length ** 2).fill(0));
    const boundCase = await boundOf(network, ONE_STEP, { output: {} }, others);
    const references = boundCase.references.map((one) => ({ ...one, data: values(...data) }));
    const judgements = judgeRounding({ ...boundCase, references, decimals: undefined }, {});
    return coarserProfile({ ...boundCase, references }, judgements, {});
  };
  const namedRounded = (...weights: readonly number[]) =>
    named(
      weights,
      weights.map((one) => roundTo(one, 'F16')),
    );

  test('must be decided in more than half', async () => {
    // Beyond 2000 a value of float16 is undecided.
    expect(await namedRounded(3.0003, 3000.3)).toBeUndefined();
    expect(await namedRounded(3.0003, 3.0003, 3000.3)).toBe('f16');
    expect(await namedRounded(3.0003, 3000.3, 3000.3)).toBeUndefined();
  });

  test('must be off by as much as rounding makes it', async () => {
    const all = (weight: number) => new Array<number>(8).fill(weight);
    expect(await namedRounded(...all(3.0003))).toBe('f16');
    expect(await namedRounded(...all(3.00001))).toBeUndefined();
    expect(await namedRounded(...all(3))).toBeUndefined();
  });

  test('must all be values of that precision', async () => {
    expect(await named([3.0003, 3.0003], [3, 3])).toBe('f16');
    expect(await named([3.0003, 3.0003], [3, 3.0001])).toBeUndefined();
    expect(await named([3.0003, 3.0003], [3.0001, 3])).toBeUndefined();
  });

  test('must not be printed', async () => {
    // One of its spacings off, and about half of a bound.
    const next = [3 + 2 ** -9, 1 + 2 ** -10];
    expect(await named([3.0003, 1.0001], next)).toBe('f16');
    expect(await named([3.0003, 1.0001], next, { decimals: 8 })).toBeUndefined();
  });
});

describe('noise within the rounding of TF32', () => {
  const DIRECTIONS = [
    [1, 1, 1, 1],
    [1, -1, 1, -1],
    [1, 1, -1, -1],
    [1, -1, -1, 1],
  ];
  /** So many steps in each of the directions, in standard deviations. */
  const noise = (steps: readonly number[], size = 1) =>
    steps.flatMap((count, i) => new Array(count).fill(DIRECTIONS[i]).flat()).map((one) => size * one);
  const WEIGHTS = [0.5, 0.5, 0.5, 0.5];
  const ten = { steps: 10, batch: 1, input: new Float64Array(10).fill(1) };
  /** Units that are constant, and off by so much. */
  const noisy = async (sigmas: readonly number[], weights = WEIGHTS) => {
    const network = reluOf(weights, new Array(weights.length ** 2).fill(0));
    const known = [{ values: new Float64Array(10 * weights.length) }];
    const options = { profile: PROFILES.tf32, model: 'likely', known } as const;
    const [{ error }] = envelope(network, ten, options).layers;
    return boundOf(network, ten, { output: { off: (i) => sigmas[i] * error[i] } });
  };

  test('goes in all directions: none has more than half of it', async () => {
    for (const steps of [
      [4, 3, 3, 0],
      [0, 3, 3, 4],
      [2, 2, 3, 3],
    ])
      expect(coarser(await noisy(noise(steps))), `${steps}`).toBe('tf32');
    for (const steps of [
      [6, 2, 2, 0],
      [0, 2, 2, 6],
      [1, 7, 1, 1],
      [0, 0, 10, 0],
    ])
      expect(coarser(await noisy(noise(steps))), `${steps}`).toBeUndefined();
  });

  test('is as large as it should be, and no value is a fault', async () => {
    expect(coarser(await noisy(noise([4, 3, 3, 0], 0.2)))).toBe('tf32');
    expect(coarser(await noisy(noise([4, 3, 3, 0], 0.05)))).toBeUndefined();
    const far = noise([4, 3, 3, 0]);
    far[39] = 7;
    expect(coarser(await noisy(far))).toBeUndefined();
    expect(coarser(await noisy(noise([4, 3, 3, 0], 0)))).toBeUndefined();
  });

  test('is not looked for in what is undecided', async () => {
    const sigmas = noise([4, 3, 3, 0]).flatMap((one, i) => (i % 4 === 3 ? [one, 0] : [one]));
    expect(coarser(await noisy(sigmas, [...WEIGHTS, 2e37]))).toBe('tf32');
  });

  test('is looked for in the output, whatever else there is', async () => {
    const single = await noisy(noise([4, 3, 3, 0]));
    const aligned = await noisy(noise([6, 2, 2, 0]));
    const withState = async (boundCase: BoundCase, first: boolean) => {
      const [output] = boundCase.references;
      const [h_n] = (await boundOf(boundCase.network, ten, { h_n: {} })).references;
      const references = first ? [output, h_n] : [h_n, output];
      return coarser({ ...boundCase, references });
    };
    for (const first of [true, false]) {
      expect(await withState(single, first)).toBe('tf32');
      expect(await withState(aligned, first)).toBeUndefined();
    }
  });

  test('is none where nothing but the last state is off', async () => {
    const boundCase = await noisy(new Array(40).fill(0));
    const h_n = (await noisy(new Array(4).fill(2))).references.map((one) => ({
      ...one,
      name: 'h_n' as const,
      rows: 1,
      data: one.data.subarray(0, 4),
    }));
    const references = [...boundCase.references, ...h_n];
    const judgements = judgeRounding({ ...boundCase, references }, {}).map((one) => ({
      ...one,
      faults: one.faults.map(() => 1),
    }));
    expect(coarserProfile({ ...boundCase, references }, judgements, {})).toBeUndefined();
  });

  test('is looked for in the last layer, and not where its output is not known', async () => {
    const one = reluOf([1, 1, 1, 1], new Array(16).fill(0));
    const [[first]] = one.layers;
    const halves = Float64Array.from({ length: 16 }, (_, i) => (i % 5 === 0 ? 0.5 : 0));
    const network = {
      module: { ...one.module, num_layers: 2 },
      layers: [[first], [{ ...first, weightIh: halves }]],
    };
    const known = [1, 0.5].map((value) => ({ values: new Float64Array(40).fill(value) }));
    const options = { profile: PROFILES.tf32, model: 'likely', known } as const;
    const { error } = envelope(network, ten, options).layers[1];
    const found = async (steps: readonly number[], last = true) => {
      const sigmas = noise(steps);
      const output = { off: (i: number) => sigmas[i] * error[i] };
      const stored = last ? { layers: [{}], output } : { layers: [output], h_n: output };
      const boundCase = await boundOf(network, ten, stored);
      const judgements = judgeRounding(boundCase, {}).map((judged) => ({
        ...judged,
        faults: judged.faults.map(() => 1),
      }));
      return coarserProfile(boundCase, judgements, {});
    };
    expect(await found([4, 3, 3, 0])).toBe('tf32');
    expect(await found([6, 2, 2, 0])).toBeUndefined();
    expect(await found([4, 3, 3, 0], false)).toBeUndefined();
  });
});
