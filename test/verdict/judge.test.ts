import { describe, expect, test } from 'vitest';
import { caseOf, stateDict, verify } from '../../src/index.js';
import type { FloatDtype } from '../../src/tensor/dtype.js';
import { run } from '../../src/verdict/judged-run.js';
import type { Run } from '../../src/verdict/run.js';
import { settle, type VerifyOptions } from '../../src/verdict/settings.js';
import { judge } from '../../src/verdict/verdict.js';

import { caseWith, numbers, type Turning, turning } from './turning.js';

const CLOSE = { rule: 'close' } as const;
/** The third unit at the second step. */
const LAST = 5;

/** The verdict on a network's own numbers, where something else is in the place of some. */
async function verdictOn(
  network: Turning,
  dtypes: Readonly<Record<string, FloatDtype>>,
  other: Readonly<Record<string, Readonly<Record<number, number>>>>,
  options: VerifyOptions = {},
) {
  const { nonlinearity } = network;
  const loaded = caseWith(await turning(network), dtypes, other);
  return verify(loaded, { ...CLOSE, nonlinearity, ...options });
}

describe('where runs of other roundings part', () => {
  test.each([
    ['F64', 2 ** 49],
    ['F32', 2 ** 25],
    ['F16', 2 ** 12],
    ['BF16', 2 ** 9],
  ] as const)('%s explains what an output can be, from there on', async (dtype, scale) => {
    const verdict = (other: Record<number, number>) =>
      verdictOn({ scale }, { output: dtype }, { output: other });
    expect(await verdict({})).toMatchObject({ verdict: 'parity' });
    for (const possible of [0.9, -0.9])
      expect(await verdict({ [LAST]: possible })).toMatchObject({
        verdict: 'ill-conditioned',
        divergesAt: 1,
      });
    expect(await verdict({ [LAST]: 1.5 })).toMatchObject({
      verdict: 'differs',
      first: { tensor: 'output', place: { row: 1, unit: 2, expected: 1.5 } },
    });
    expect(await verdict({ 1: 0.2, [LAST]: 0.9 })).toMatchObject({
      verdict: 'differs',
      first: { tensor: 'output', place: { row: 0, unit: 1 } },
    });
  });

  test('an output of a GRU can be as large as its initial state', async () => {
    const verdict = async (expected: number, h?: number) => {
      const states = h === undefined ? undefined : { h_0: numbers([1, 1, 3], [0, 0, h]) };
      const network = { kind: 'GRU', scale: 2 ** 25, states } as const;
      return (await verdictOn(network, { output: 'F32' }, { output: { [LAST]: expected } })).verdict;
    };
    expect(await verdict(0.9)).toBe('ill-conditioned');
    expect(await verdict(1.5)).toBe('differs');
    for (const h of [3, -3]) {
      expect(await verdict(2.5, h)).toBe('ill-conditioned');
      expect(await verdict(3.5, h)).toBe('differs');
    }
  });

  test('an output of an RNN cannot', async () => {
    const network = { scale: 2 ** 25, states: { h_0: numbers([1, 1, 3], [0, 0, 3]) } };
    const { verdict } = await verdictOn(network, { output: 'F32' }, { output: { [LAST]: 2.5 } });
    expect(verdict).toBe('differs');
  });

  test('a cell state can be of any size; runs that part in nothing else have parted by the last step', async () => {
    // 500 times a forget gate of one half, and the output gate of tanh(250).
    const network = {
      kind: 'LSTM',
      gate: 'f',
      scale: 2 ** 22,
      states: { h_0: numbers([1, 1, 3], [0, 0, 0]), c_0: numbers([1, 1, 3], [0, 0, 1000]) },
    } as const;
    expect(await verdictOn(network, { c_n: 'F32' }, { c_n: { 2: 300 } })).toMatchObject({
      verdict: 'ill-conditioned',
      divergesAt: 1,
    });
    const { verdict } = await verdictOn({ ...network, scale: 1 }, { c_n: 'F32' }, { c_n: { 2: 300 } });
    expect(verdict).toBe('differs');
  });

  test('the step is the first of all tensors', async () => {
    // In float16 the third unit parts at the second step; in float32 the first one does at the third.
    const network = { scale: 2 ** 11, next: 2 ** 16, input: [1, 0, 0] };
    const other = { output: { 6: 0.5 }, h_n: { 0: 0.5 } };
    const divergesAt = async (dtypes: Record<string, FloatDtype>) => {
      const tolerance = { output: { atol: 1e-3 } };
      return (await verdictOn(network, dtypes, other, { tolerance })).divergesAt;
    };
    expect(await divergesAt({ output: 'F32' })).toBe(2);
    expect(await divergesAt({ h_n: 'F16' })).toBe(1);
    expect(await divergesAt({ output: 'F32', h_n: 'F16' })).toBe(1);
  });

  test('what was stored in 16 bits is explained by 16 bits, though float32 computes', async () => {
    const off = { output: { [LAST]: 0.9 } };
    const float32 = { compute: 'float32' } as const;
    for (const [dtype, scale, verdict] of [
      ['F16', 2 ** 12, 'ill-conditioned'],
      ['BF16', 2 ** 9, 'ill-conditioned'],
      ['F32', 2 ** 12, 'differs'],
      ['F32', 5 * 2 ** 24, 'ill-conditioned'],
      ['F64', 5 * 2 ** 24, 'ill-conditioned'],
    ] as const)
      expect((await verdictOn({ scale }, { output: dtype }, off, float32)).verdict, `${dtype} ${scale}`).toBe(
        verdict,
      );
  });

  test('the output of a layer is explained by runs of that layer', async () => {
    const { weights, tensors, outputs } = await turning({ scale: 2 ** 25 });
    const lower = weights.load([...weights.specs.keys()]);
    const zeros = numbers([3, 3], new Array<number>(9).fill(0));
    const both = { ...Object.fromEntries(lower), weight_ih_l1: zeros, weight_hh_l1: zeros };
    const data = Array.from(outputs.output!.data, (one, i) => (i === LAST ? 0.9 : one));
    const output = numbers([2, 1, 3], new Array<number>(6).fill(0), 'F32');
    const output_l0 = numbers([2, 1, 3], data, 'F32');
    const found = await verify(caseOf(stateDict(both), { ...tensors, output_l0, output }), CLOSE);
    expect(found).toMatchObject({ verdict: 'ill-conditioned', divergesAt: 1 });
    const upper = { ...output, data: Float64Array.from(data) };
    const above = await verify(caseOf(stateDict(both), { ...tensors, output_l0, output: upper }), CLOSE);
    expect(above).toMatchObject({
      verdict: 'differs',
      first: { tensor: 'output', place: { row: 0, unit: 0 } },
    });
  });
});

describe('runs are made', () => {
  const relu = (first: number) => ({ nonlinearity: 'relu', scale: 2 ** 22, input: [first, 0] }) as const;
  /** The verdict on a wrong last value, and how many passes that took. */
  const passes = async (network: Turning, names: readonly ('output' | 'h_n')[] = ['output']) => {
    const dtypes = Object.fromEntries(names.map((name) => [name, 'F32' as const]));
    const loaded = caseWith(await turning(network), dtypes, { output: { [LAST]: 2 }, h_n: { 2: 2 } });
    const { nonlinearity } = network;
    const judgedRun = await run(loaded, settle(loaded, { ...CLOSE, nonlinearity }));
    let count = 0;
    const onProgress = () => {
      count++;
    };
    const { verdict } = await judge({
      ...judgedRun.run,
      settings: { ...judgedRun.run.settings, onProgress },
    });
    return { verdict, count };
  };

  test('until one has parted', async () => {
    // To the nearest, this one parts.
    expect(await passes(relu(1.08))).toEqual({ verdict: 'ill-conditioned', count: 1 });
    // Only by the first of the random roundings.
    expect(await passes(relu(1.04))).toEqual({ verdict: 'ill-conditioned', count: 2 });
  });

  test('no more where two are far from it', async () => {
    expect(await passes(relu(1.01))).toEqual({ verdict: 'differs', count: 2 });
  });

  test('once for all tensors', async () => {
    expect(await passes(relu(1.08), ['output', 'h_n'])).toEqual({ verdict: 'ill-conditioned', count: 1 });
    expect(await passes(relu(1.04), ['output', 'h_n'])).toEqual({ verdict: 'ill-conditioned', count: 2 });
  });
});

describe('how far runs must part', () => {
  // The third unit is at one half, and a run of float32 ends 0.0004 from it.
  const network = { scale: 2 ** 15, third: Math.atanh(0.5), input: [1, 1] };
  const verdict = async (tolerance: { readonly rtol: number; readonly atol: number }) => {
    const options = { tolerance: { ...tolerance } };
    return (await verdictOn(network, { output: 'F32' }, { output: { [LAST]: 0.9 } }, options)).verdict;
  };

  test('is four tenths of the tolerance that is asked for', async () => {
    expect(await verdict({ rtol: 0, atol: 0.0008 })).toBe('ill-conditioned');
    expect(await verdict({ rtol: 0, atol: 0.0012 })).toBe('differs');
    expect(await verdict({ rtol: 0.0016, atol: 0 })).toBe('ill-conditioned');
    expect(await verdict({ rtol: 0.0024, atol: 0 })).toBe('differs');
    expect(await verdict({ rtol: 0.0012, atol: 0.0006 })).toBe('differs');
  });

  test('or that of the usual tolerance, where nearly none is asked for', async () => {
    // In float16 five quarters of 0.003, and a run ends 0.0049 from where it should; with half the scale 0.0024.
    for (const [scale, expected] of [
      [64, 'ill-conditioned'],
      [32, 'differs'],
    ] as const) {
      for (const tolerance of [undefined, { rtol: 0, atol: 0 }]) {
        const off = { output: { [LAST]: 0.9 } };
        const one = await verdictOn({ ...network, scale }, { output: 'F16' }, off, { tolerance });
        expect(one.verdict).toBe(expected);
      }
    }
  });
});

describe('what the automatic rule leaves undecided', () => {
  /** A run of which all values pass, or fail, and are undecided. */
  const runOf = async (
    values: readonly number[],
    undecided: readonly number[],
    tolerance = { rtol: 0, atol: 1e-5 },
  ): Promise<Run> => {
    const loaded = caseWith(await turning({ scale: 0 }), { output: 'F32', h_n: 'F32' }, {});
    const first = await run(loaded, settle(loaded, { rule: 'auto' }));
    const data = Float64Array.from(values);
    const nothing = { faults: new Uint8Array(data.length), undecided: Uint8Array.from(undecided) };
    const tensors = first.run.tensors.map((tensor, i) => {
      if (i !== 1) return tensor;
      const { reference, judgement, comparison } = tensor;
      return {
        ...tensor,
        reference: { ...reference, data },
        judgement: { ...judgement!, ...nothing },
        comparison: { ...comparison, tolerance: { ...comparison.tolerance, ...tolerance } },
      };
    });
    return { ...first.run, tensors };
  };
  const verdict = async (...said: Parameters<typeof runOf>) => (await judge(await runOf(...said))).verdict;
  const apart = [-1, 1, -1, 1];

  test('is parity up to one half, and under a tolerance that tells values apart', async () => {
    const wide = { rtol: 0, atol: 0.25 };
    expect(await verdict(apart, [1, 1, 0, 0], wide)).toBe('parity');
    expect(await verdict(apart, [1, 1, 1, 0], wide)).toBe('undecided');
    expect(await verdict(apart, [1, 1, 1, 1], wide)).toBe('undecided');
    expect(await verdict(apart, [1, 1, 1, 1], { rtol: 0, atol: 0.24 })).toBe('parity');
  });

  test('is held to a quarter of how far the values are apart', async () => {
    const all = [1, 1, 1, 1];
    const far = apart.map((one) => 4 * one);
    expect(await verdict(far, all, { rtol: 0.125, atol: 0.5 })).toBe('undecided');
    expect(await verdict(far, all, { rtol: 0.125, atol: 0.49 })).toBe('parity');
    expect(await verdict(far, all, { rtol: 0.24, atol: 0 })).toBe('parity');
  });

  test('counts finite values only', async () => {
    const wide = { rtol: 0, atol: 10 };
    const nan = Number.NaN;
    expect(await verdict([-1, 1, nan, nan, nan], [0, 1, 1, 1, 1], wide)).toBe('parity');
    expect(await verdict([-1, 1, nan, nan, nan], [1, 1, 0, 0, 0], wide)).toBe('undecided');
    expect(await verdict([nan, nan], [1, 1], wide)).toBe('parity');
  });

  test('and is not close is undecided where numbers were printed', async () => {
    const undecided = await runOf(apart, [1, 1, 1, 1]);
    const failing = (decimals: number | undefined, ...mismatches: number[]) =>
      judge({
        ...undecided,
        boundCase: { ...undecided.boundCase, decimals },
        tensors: undecided.tensors.map((tensor, i) => ({
          ...tensor,
          comparison: { ...tensor.comparison, mismatches: mismatches[i] },
        })),
      });
    expect(await failing(4, 0, 1)).toEqual({ verdict: 'undecided' });
    expect(await failing(4, 1, 0)).toEqual({ verdict: 'undecided' });
    expect(await failing(4, 0, 0)).toEqual({ verdict: 'parity' });
    expect((await failing(undefined, 0, 1)).verdict).not.toBe('undecided');
  });
});
