import { describe, expect, test } from 'vitest';
import { envelope } from '../../src/bounds/envelope.js';
import { PROFILES } from '../../src/bounds/profiles.js';
import type { Bound, Network } from '../../src/module/bind.js';
import { coarserProfile, judgeRounding } from '../../src/rounding.js';
import { type FloatDtype, roundTo } from '../../src/tensor/dtype.js';
import { moduleOf } from '../engine/module.js';
import { networkOf, sequenceOf } from '../engine/random-network.js';
import { boundOf, type StoredTensors, values } from './bound.js';

const coarser = (bound: Bound) => coarserProfile(bound, judgeRounding(bound, {}), {});

describe('values that are stored in 16 bits', () => {
  const network = networkOf(moduleOf('GRU', { inputSize: 3, hiddenSize: 4, numLayers: 2 }), 7);
  const sequence = sequenceOf(network.module, 10, 2, 7);
  /** As it was computed in 16 bits, and stored as float32. */
  const rounded = async (dtype: FloatDtype, stored: StoredTensors = { output: {} }, others?: Partial<Bound>) => {
    const bound = await boundOf(network, sequence, stored, others);
    const references = bound.references.map((one) => ({ ...one, data: one.data.map((v) => roundTo(v, dtype)) }));
    return { ...bound, references };
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

  test('are not named where all of it was printed', async () => {
    expect(coarser(await rounded('F16', { output: {} }, { decimals: 8 }))).toBeUndefined();
  });
});
