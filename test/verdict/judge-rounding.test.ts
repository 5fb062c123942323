import { describe, expect, test } from 'vitest';
import { envelope } from '../../src/bounds/envelope.js';
import type { Overflow } from '../../src/bounds/layer.js';
import { PROFILES, PROOFS, UNROUNDED } from '../../src/bounds/profiles.js';
import { sampleFreeLayers } from '../../src/bounds/samples.js';
import type { Parameters } from '../../src/module/bind.js';
import { knownOutputs } from '../../src/module/known-outputs.js';
import type { FloatDtype } from '../../src/tensor/dtype.js';
import {
  judgeRounding,
  needsSamples,
  profileOf,
  type RoundingJudgement,
  sampleErrors,
} from '../../src/verdict/rounding.js';
import { moduleOf } from '../engine/module.js';
import { networkOf, sequenceOf } from '../engine/random-network.js';
import { boundOf, reluOf, type StoredTensors, values } from './bound.js';

const LSTM = networkOf(
  moduleOf('LSTM', { input_size: 3, hidden_size: 4, num_layers: 2, bidirectional: true }),
  5,
);
const SEQUENCE = sequenceOf(LSTM.module, 6, 2, 5);

describe('every reference', () => {
  test('is judged by what it should be itself', async () => {
    const all = { output: {}, h_n: {}, c_n: {}, layers: [{}] };
    const judged = await judgeRounding(await boundOf(LSTM, SEQUENCE, all), {});
    expect(judged).toHaveLength(4);
    for (const { faults, counts, profile, forced, decimals, limit } of judged) {
      expect(faults.includes(1)).toBe(false);
      expect(counts).toEqual({ undecided: 0, proven: 0, rare: 0 });
      expect({ profile, forced, decimals, limit }).toEqual({ profile: 'generic', forced: true, limit: 6 });
    }
    const off = { off: (i: number) => (i === 3 ? 1e-3 : 0) };
    const names = ['layers', 'output', 'h_n', 'c_n'] as const;
    for (const [at, name] of names.entries()) {
      const one = { ...all, [name]: name === 'layers' ? [off] : off };
      const found = await judgeRounding(await boundOf(LSTM, SEQUENCE, one), {});
      // What is off in an output is off as the beginning of the next step too.
      if (name === 'h_n' || name === 'c_n') {
        expect(found.map(({ faults }) => faults.indexOf(1))).toEqual(
          names.map((_, i) => (i === at ? 3 : -1)),
        );
      } else {
        expect(found[at].faults.indexOf(1)).toBe(3);
      }
    }
  });

  test('has the profile of its dtype, or the one that is said', async () => {
    const stored = { output: { dtype: 'F16' }, h_n: { dtype: 'F64' }, c_n: { dtype: 'BF16' } } as const;
    const boundCase = await boundOf(LSTM, SEQUENCE, stored);
    expect((await judgeRounding(boundCase, {})).map(({ profile }) => profile)).toEqual([
      'f16',
      'f64',
      'bf16',
    ]);
    const said = await judgeRounding(boundCase, { profile: 'tf32' });
    expect(said.map(({ profile }) => profile)).toEqual(['tf32', 'tf32', 'tf32']);
  });

  test('runs free where the output of its layer is not known', async () => {
    const forced = async (stored: StoredTensors) =>
      (await judgeRounding(await boundOf(LSTM, SEQUENCE, stored), {})).map((one) => one.forced);
    expect(await forced({ h_n: {}, c_n: {} })).toEqual([false, false]);
    expect(await forced({ h_n: {}, layers: [{}] })).toEqual([true, false]);
    expect(await forced({ output: {}, h_n: {} })).toEqual([true, true]);
  });

  test('tells what it should be, from its own beginnings where they are known', async () => {
    const network = reluOf([1], [0.5]);
    const sequence = { steps: 3, batch: 1, input: values(1, 1, 1) };
    const off = (i: number) => (i === 0 ? 1 : 0);
    const predicted = async (stored: StoredTensors) =>
      (await judgeRounding(await boundOf(network, sequence, stored), {})).map((one) => [...one.predicted]);
    expect(await predicted({ output: { off } })).toEqual([[1, 2, 1.75]]);
    expect(await predicted({ h_n: { off } })).toEqual([[1.75]]);
  });
});

describe('beyond what is likely', () => {
  const network = networkOf(moduleOf('RNN', { input_size: 8, hidden_size: 8 }), 2);
  const sequence = sequenceOf(network.module, 2, 1, 2);
  const options = { profile: PROFILES.generic, known: [] };
  const likely = envelope(network, sequence, { ...options, model: 'likely' }).h_n;
  const worst = envelope(network, sequence, { ...options, profile: PROOFS.generic!, model: 'worst' }).h_n;
  const judgeOff = async (by: number) => {
    const off = (i: number) => (i === 5 ? by : 0);
    const [judged] = await judgeRounding(
      await boundOf(network, sequence, { h_n: { dtype: 'F32', off } }),
      {},
    );
    return judged;
  };

  test('a fault is proven beyond what is possible', async () => {
    const [sigma, boundCase] = [likely.error[5], worst.error[5]];
    expect(boundCase / sigma).toBeGreaterThan(9);
    expect((await judgeOff(5 * sigma)).faults.includes(1)).toBe(false);
    expect(await judgeOff(8 * sigma)).toMatchObject({ counts: { proven: 0 }, units: [] });
    expect((await judgeOff(8 * sigma)).faults.indexOf(1)).toBe(5);
    expect(await judgeOff(1.5 * boundCase)).toMatchObject({ counts: { proven: 1 } });
  });

  test('a proof is beyond what any float32 runtime does, unless it is said how this one rounds', async () => {
    const own = envelope(network, sequence, { ...options, model: 'worst' }).h_n.error[5];
    const between = (own + worst.error[5]) / 2;
    expect(worst.error[5] / own).toBeGreaterThan(1.2);
    const off = (i: number) => (i === 5 ? between : 0);
    const boundCase = await boundOf(network, sequence, { h_n: { dtype: 'F32', off } });
    expect((await judgeRounding(boundCase, {}))[0].counts.proven).toBe(0);
    expect((await judgeRounding(boundCase, { profile: 'generic' }))[0].counts.proven).toBe(1);
  });

  test('one of ten thousand values is rare', async () => {
    const boundCase = await boundOf(network, sequenceOf(network.module, 1250, 1, 2), { output: {} });
    const [{ data }] = boundCase.references;
    const known = { ...options, known: [{ values: data }], model: 'likely' } as const;
    const { values: exact, error } = envelope(network, boundCase.sequence, known).layers[0];
    data[9999] = exact[9999] + 6.5 * error[9999];
    const [{ counts, faults }] = await judgeRounding(boundCase, {});
    expect(counts).toEqual({ undecided: 0, proven: 0, rare: 1 });
    expect(faults.includes(1)).toBe(false);
  });

  test('what is not proven is undecided where the errors of relu add up in step', async () => {
    const relu = reluOf([1, 0.5], [0.5, 0.25, 0.25, 0.5]);
    const input = { steps: 3, batch: 1, input: values(1, 0.7, 0.3) };
    const { error } = envelope(relu, input, { profile: PROFILES.generic, model: 'likely' }).h_n;
    const off = (i: number) => (i === 1 ? 7 * error[1] : 0);
    const [free] = await judgeRounding(await boundOf(relu, input, { h_n: { off } }), {});
    expect([...free.faults]).toEqual([0, 0]);
    expect([...free.undecided]).toEqual([0, 1]);
    const [, forced] = await judgeRounding(await boundOf(relu, input, { output: {}, h_n: { off } }), {});
    expect([...forced.faults]).toEqual([0, 1]);
    expect([...forced.undecided]).toEqual([0, 0]);
  });
});

/** How far every parameter may be off: a thousandth. */
const thousandths = ({ weightIh, weightHh, biasIh, biasHh }: Parameters) => ({
  weightIh: weightIh.map(() => 1e-3),
  weightHh: weightHh.map(() => 1e-3),
  biasIh: biasIh?.map(() => 1e-3),
  biasHh: biasHh?.map(() => 1e-3),
});

describe('printed numbers', () => {
  // 2 x + 2 h, where both weights may be off by 0.005: 2, 6 and 14.
  const network = reluOf([2], [2]);
  const sequence = { steps: 3, batch: 1, input: values(1, 1, 1) };
  const printed = {
    decimals: 2,
    uncertainty: { layers: [[{ weightIh: values(0.005), weightHh: values(0.005) }]] },
  };
  const judgeOff = async (halfUnit: number, at: number, by = 0.1) => {
    const off = (i: number) => (i === at ? by : 0);
    const output = { dtype: 'F64', halfUnit, off } as const;
    const [judged] = await judgeRounding(await boundOf(network, sequence, { output }, printed), {});
    return judged;
  };
  /** How far what was printed may be off, from how many times that a tenth is. */
  const boundsOf = async (halfUnit: number) => {
    const judged = await Promise.all([0, 1, 2].map((at) => judgeOff(halfUnit, at)));
    return judged.map(({ sigmas }, at) => 0.1 / sigmas[at]);
  };

  test('are judged by bounds, and one of them is the limit', async () => {
    const judged = await judgeOff(0, 2);
    expect(judged).toMatchObject({
      limit: 1,
      decimals: 3,
      forced: true,
      counts: { undecided: 0, proven: 1, rare: 0 },
      units: [],
      suspicious: [],
    });
    expect([...judged.faults]).toEqual([0, 0, 1]);
    expect((await judgeOff(0, 2, 0.0349)).faults.includes(1)).toBe(false);
    expect((await judgeOff(0, 2, 0.0351)).faults.indexOf(1)).toBe(2);
    const unprinted = await boundOf(network, sequence, { output: { dtype: 'F64' } }, printed);
    const [exact] = await judgeRounding(unprinted, {});
    expect(exact.decimals).toBe(2);
    expect(exact.faults.includes(1)).toBe(false);
  });

  test('have bounds from the step before or from the first one on, whichever are narrower', async () => {
    const near = (expected: readonly number[]) => expected.map((one) => expect.closeTo(one, 9));
    // Where the step before is exact: 1·0.005 + 2·0.005, and 6·0.005 in the place of the latter.
    expect(await boundsOf(0)).toEqual(near([0.005, 0.015, 0.035]));
    // From the first one on: 0.005 + 2.005·0.005 + 2·0.005, and 0.005 + 6.025025·0.005 + 2·0.025025; and 0.1 of its own.
    expect(await boundsOf(0.1)).toEqual(near([0.105, 0.125025, 0.185175125]));
  });

  test('should be what the narrower bounds are about', async () => {
    const predicted = async (halfUnit: number, at: number) => [...(await judgeOff(halfUnit, at)).predicted];
    expect(await predicted(0, 0)).toEqual([2, 6.2, 14]);
    expect(await predicted(0.1, 0)).toEqual([2, 6, 14]);
    // Then the second is narrower from the first one on, and the third from the one before.
    expect(await predicted(0.0052, 0)).toEqual([2, 6, 14]);
    expect(await predicted(0.0052, 1)).toEqual([2, 6, 14.2]);
    // From NaN nothing follows.
    const nan = await judgeOff(0, 0, Number.NaN);
    expect([...nan.predicted]).toEqual([2, 6, 14]);
    expect([...nan.faults]).toEqual([1, 0, 0]);
  });

  test('begin from the layers that are known, though others are not', async () => {
    const [[upper]] = network.layers;
    const two = {
      module: { ...network.module, num_layers: 2 },
      layers: [[{ weightIh: values(1), weightHh: values(0) }], [upper]],
    };
    const [lower] = reluOf([0], [0]).layers;
    const off = (i: number) => (i === 0 ? 0.1 : 0);
    const output = { dtype: 'F64', halfUnit: 0, off } as const;
    const uncertainty = { layers: [lower, ...printed.uncertainty.layers] };
    const boundCase = await boundOf(two, sequence, { output }, { decimals: 2, uncertainty });
    expect([...(await judgeRounding(boundCase, {}))[0].predicted]).toEqual([2, 6.2, 14]);
  });

  test('are decided where half of 1 is open, and undecided beyond', async () => {
    const undecided = async (halfUnit: number) => {
      const input = values(0, 10, 10);
      const output = { dtype: 'F64', halfUnit } as const;
      const boundCase = await boundOf(reluOf([1], [0]), { ...sequence, input }, { output }, { decimals: 0 });
      return [...(await judgeRounding(boundCase, {}))[0].undecided];
    };
    expect(await undecided(0.5)).toEqual([0, 0, 0]);
    expect(await undecided(0.51)).toEqual([1, 0, 0]);
    // Half of how far all of them are apart is 2.36.
    expect(await undecided(2.3)).toEqual([1, 0, 0]);
    expect(await undecided(2.4)).toEqual([1, 1, 1]);
  });

  test('are a fault beyond a bound that is too wide to decide anything within it', async () => {
    const off = (i: number) => (i === 1 ? 5 : 0);
    const output = { dtype: 'F64', halfUnit: 3, off } as const;
    const [judged] = await judgeRounding(
      await boundOf(reluOf([1], [0]), sequence, { output }, { decimals: 0 }),
      {},
    );
    expect([...judged.undecided]).toEqual([1, 0, 1]);
    expect([...judged.faults]).toEqual([0, 1, 0]);
  });

  test('are decided by the step before where rounding alone grows as large as the values', async () => {
    const { module, layers } = networkOf(moduleOf('RNN', { input_size: 3, hidden_size: 8 }), 4);
    const [[{ weightIh, weightHh }]] = layers;
    const chaotic = { module, layers: [[{ weightIh, weightHh: weightHh.map((weight) => 8 * weight) }]] };
    const inputs = sequenceOf(module, 60, 1, 4);
    const exact = { dtype: 'F16', halfUnit: 0 } as const;
    const undecided = async (stored: StoredTensors) =>
      (await judgeRounding(await boundOf(chaotic, inputs, stored, { decimals: 9 }), {})).map(
        ({ counts }) => counts.undecided,
      );
    expect((await undecided({ h_n: exact }))[0]).toBeGreaterThan(0);
    expect(await undecided({ output: exact, h_n: exact })).toEqual([0, 0]);
  });

  test('tell how far it is', async () => {
    const output = { dtype: 'F64', halfUnit: 0 } as const;
    const done: number[] = [];
    await judgeRounding(await boundOf(network, sequence, { output }, printed), {
      onProgress: (share) => void done.push(share),
    });
    expect(done.filter((share) => share === 1)).toHaveLength(4);
  });

  test('have room for the rounding of their dtype: six standard deviations', async () => {
    const lstm = networkOf(moduleOf('LSTM', { input_size: 2, hidden_size: 3, num_layers: 2 }), 3);
    const inputs = sequenceOf(lstm.module, 4, 1, 3);
    const far = { dtype: 'F16', halfUnit: 0.001, off: () => 0.1 } as const;
    const uncertainty = { layers: lstm.layers.map((layer) => layer.map(thousandths)) };
    const boundCase = await boundOf(lstm, inputs, { h_n: far, c_n: far }, { decimals: 3, uncertainty });
    const likely = envelope(lstm, inputs, { profile: PROFILES.f16, model: 'likely' });
    const missing = envelope(lstm, inputs, { profile: UNROUNDED, model: 'worst', uncertainty });
    const judged = await judgeRounding(boundCase, {});
    for (const [i, name] of (['h_n', 'c_n'] as const).entries()) {
      const { predicted, sigmas } = judged[i];
      const bounds = Array.from(
        sigmas,
        (sigma, at) => Math.abs(boundCase.references[i].data[at] - predicted[at]) / sigma,
      );
      const [exact, rounded] = [missing[name]!.error, likely[name]!.error];
      expect(bounds).toEqual(
        Array.from(exact, (one, at) => expect.closeTo(one + 6 * rounded[at] + 0.001, 9)),
      );
    }
  });

  test('are undecided where what is likely is', async () => {
    // In float16 a sum of 3000 may have overflowed on the way.
    const input = values(1000, 1500, 1);
    const boundCase = await boundOf(
      reluOf([2], [0]),
      { ...sequence, input },
      { output: { dtype: 'F16' } },
      { decimals: 2 },
    );
    expect([...(await judgeRounding(boundCase, {}))[0].undecided]).toEqual([0, 1, 0]);
  });

  test('are decided by the step before where nothing can be said from the first one on', async () => {
    // 1, 51 and 2551, which may have overflowed; of 0.5 in the place of 51 comes 26.
    const network = reluOf([1], [50]);
    const off = (i: number) => [0, -50.5, 26 - 2552][i];
    const output = { dtype: 'F16', halfUnit: 0, off } as const;
    const [judged] = await judgeRounding(await boundOf(network, sequence, { output }, { decimals: 2 }), {});
    expect([...judged.undecided]).toEqual([0, 0, 0]);
    expect([...judged.predicted]).toEqual([1, 51, 26]);
  });
});

describe('the output of a layer is known', () => {
  const network = networkOf(moduleOf('GRU', { num_layers: 3 }), 1);
  const sequence = sequenceOf(network.module, 2, 1, 1);
  const known = async (layers: readonly (FloatDtype | undefined)[], output?: FloatDtype) => {
    const stored = {
      layers: layers.map((dtype) => dtype && { dtype }),
      output: output && { dtype: output },
    };
    return knownOutputs(await boundOf(network, sequence, stored)).map((one) => one?.dtype);
  };

  test('where it is a reference', async () => {
    expect(await known([undefined, undefined])).toEqual([undefined, undefined, undefined]);
    expect(await known([undefined, 'F32'])).toEqual([undefined, 'F32', undefined]);
    expect(await known([undefined, undefined], 'F16')).toEqual([undefined, undefined, 'F16']);
    expect(await known(['F32', 'F32'], 'F32')).toEqual(['F32', 'F32', 'F32']);
  });

  test('unless it is stored coarser than what came of it', async () => {
    expect(await known(['F16', 'F32'])).toEqual([undefined, 'F32', undefined]);
    expect(await known(['F32', 'F16'], 'F32')).toEqual(['F32', undefined, 'F32']);
    expect(await known(['F16', undefined], 'F64')).toEqual([undefined, undefined, 'F64']);
    expect(await known(['BF16', 'BF16'], 'F16')).toEqual([undefined, undefined, 'F16']);
    expect(await known(['F64', 'F32'], 'F16')).toEqual(['F64', 'F32', 'F16']);
    expect(await known(['F32', 'F32'], 'F64')).toEqual([undefined, undefined, 'F64']);
  });
});

test('printed values that hardly differ are told by their size, others by how far apart they are', async () => {
  const undecided = async (input: readonly number[], halfUnit: number) => {
    const sequence = { steps: 3, batch: 1, input: values(...input) };
    const output = { dtype: 'F32', halfUnit } as const;
    const boundCase = await boundOf(reluOf([1], [0]), sequence, { output }, { decimals: 2 });
    return [...(await judgeRounding(boundCase, {}))[0].undecided];
  };
  expect(await undecided([1, 1, 1], 0.01)).toEqual([0, 0, 0]);
  expect(await undecided([100, 100.5, 101], 0.4)).toEqual([0, 0, 0]);
  expect(await undecided([1, 1.5, 2], 0.4)).toEqual([1, 1, 1]);
});

describe('what is judged how', () => {
  test('a float32 output beside one in 16 bits was computed in them too', async () => {
    const of = async (...dtypes: FloatDtype[]) => {
      const [output, h_n, c_n] = dtypes.map((dtype) => ({ dtype }));
      const { references } = await boundOf(LSTM, SEQUENCE, { output, h_n, ...(c_n && { c_n }) });
      return references.map((reference) => profileOf(reference, references, {}));
    };
    expect(await of('F32', 'F16')).toEqual(['f16', 'f16']);
    expect(await of('F32', 'F32', 'BF16')).toEqual(['bf16', 'bf16', 'bf16']);
    expect(await of('F32', 'F64')).toEqual(['generic', 'f64']);
    expect(await of('F64', 'F16')).toEqual(['f64', 'f16']);
    expect(await of('F32', 'F32')).toEqual(['generic', 'generic']);
    const { references } = await boundOf(LSTM, SEQUENCE, { output: {}, h_n: { dtype: 'F16' } });
    expect(profileOf(references[0], references, { profile: 'torch' })).toBe('torch');
  });

  test('errors are sampled where layers run free and values are undecided, but for an overflow or digits', async () => {
    const free = await boundOf(LSTM, SEQUENCE, { h_n: {} });
    const known = await boundOf(LSTM, SEQUENCE, { output: {}, layers: [{}] });
    const judged = (undecided: number, overflow?: Overflow) =>
      ({ counts: { undecided, proven: 0, rare: 0 }, overflow }) as RoundingJudgement;
    const overflow = {} as Overflow;
    expect(needsSamples(free, [judged(0), judged(1)])).toBe(true);
    expect(needsSamples(free, [judged(1), judged(0)])).toBe(true);
    expect(needsSamples(free, [judged(0)])).toBe(false);
    expect(needsSamples(free, [judged(1, overflow)])).toBe(false);
    expect(needsSamples(known, [judged(1)])).toBe(false);
    expect(needsSamples({ ...free, decimals: 3 }, [judged(1)])).toBe(false);
  });

  test('one proof is enough for all references of a profile, and none is made without a fault', async () => {
    const passes = async (...offs: number[]) => {
      const [output, h_n] = offs.map((by) => ({ off: (i: number) => (i === 0 ? by : 0) }));
      let ended = 0;
      await judgeRounding(await boundOf(LSTM, SEQUENCE, { output, h_n, layers: [{}] }), {
        onProgress: (done, stage) => {
          if (done === 1 && stage === 'judging') ended++;
        },
      });
      return ended;
    };
    expect(await passes(0, 0)).toBe(1);
    expect(await passes(0, 0.1)).toBe(2);
    expect(await passes(0.1, 0.1)).toBe(2);
  });

  test('samples are of the layers that run free, from the outputs that are known', async () => {
    const boundCase = await boundOf(LSTM, SEQUENCE, { layers: [{ dtype: 'F16', off: () => 0.01 }], h_n: {} });
    const known = [boundCase.layerOutputs[0].data, undefined];
    const samples = await sampleFreeLayers(LSTM, SEQUENCE, known, PROFILES.f16);
    expect(await sampleErrors(boundCase, {})).toEqual(samples);
    expect(samples.map((layer) => layer !== undefined)).toEqual([false, true]);
    expect(await sampleErrors(boundCase, { profile: 'generic' })).not.toEqual(samples);
  });

  test('proven faults are counted unless it is enough to know that there are some', async () => {
    // In the second batch row.
    const off = (i: number) => (i === 4 || i === 5 ? 0.5 : 0);
    const boundCase = await boundOf(LSTM, SEQUENCE, { h_n: { off }, output: {} });
    const proven = async (settings: { readonly proofs?: boolean }) =>
      (await judgeRounding(boundCase, settings)).map(({ counts }) => counts.proven);
    expect(await proven({})).toEqual([0, 2]);
    expect(await proven({ proofs: true })).toEqual([0, 2]);
    expect(await proven({ proofs: false })).toEqual([0, 0]);
  });
});
