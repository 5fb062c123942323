import fs from 'node:fs';
import { expect, test } from 'vitest';
import { envelope } from '../../src/bounds/envelope.js';
import {
  PROFILE_OF,
  PROFILES,
  PROOFS,
  type Profile,
  type ProfileName,
  profileWith,
  UNROUNDED,
} from '../../src/bounds/profiles.js';
import { judgeRounding } from '../../src/verdict/rounding.js';
import { boundOf } from '../diagnose/bound.js';
import { moduleOf } from '../engine/module.js';
import { networkOf, sequenceOf } from '../engine/random-network.js';

// What rational functions err by is alike wherever a unit stands still.
test.each([
  ['torch', 2],
  ['f16', 2],
  ['bf16', 2],
  ['generic', 3],
  ['tf32', 3],
] as const)('%s: a unit is a fault where it is more than %d σ off at every step', async (profile, limit) => {
  const module = moduleOf('RNN', { hidden_size: 3, input_size: 2 });
  const own = networkOf(module, 3).layers[0][0];
  // No step depends on the one before: the reference can be as far off as one likes.
  const network = { module, layers: [[{ ...own, weightHh: new Float64Array(9) }]] };
  const sequence = sequenceOf(module, 12, 1, 8);
  const [{ values, error }] = envelope(network, sequence, {
    profile: PROFILES[profile],
    model: 'likely',
  }).layers;
  const faultyUnits = async (sigmas: number) => {
    const output = values.map((value, i) => value + (i % 3 === 1 ? sigmas * error[i] : 0.01 * error[i]));
    const [judged] = await judgeRounding(boundOf(network, sequence, { output }), { profile });
    return judged.units.map(({ unit }) => unit);
  };
  expect(await faultyUnits(limit - 0.05)).toEqual([]);
  expect(await faultyUnits(limit + 0.05)).toEqual([1]);
});

test('how far activations err is what docs/numerics.md says', () => {
  const text = fs.readFileSync(new URL('../../docs/numerics.md', import.meta.url), 'utf8');
  const rows = text
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter(([, names = '']) => names.split(', ').some((name) => name.slice(1, -1) in PROFILES));
  const documented = new Map<string, string[]>();
  for (const [, names, ...errors] of rows) {
    for (const [i, name] of names.split(', ').entries()) {
      const like = /^as (.*)$/.exec(errors[0])?.[1].split(', ');
      documented.set(name, like ? documented.get(like[i] ?? like[0])! : errors.slice(0, 4));
    }
  }
  expect([...documented.keys()].sort()).toEqual(
    Object.keys(PROFILES)
      .map((name) => `\`${name}\``)
      .sort(),
  );
  for (const [name, errors] of documented) {
    const { tanh, tanhAbsolute, sigmoid, sigmoidAbsolute } = PROFILES[name.slice(1, -1) as ProfileName];
    expect(
      [tanh, tanhAbsolute, sigmoid, sigmoidAbsolute].map(({ worst, typical }) =>
        worst === 0 && typical === 0 ? '0' : `${worst} (${typical})`,
      ),
      name,
    ).toEqual(errors);
  }
});

test.each([
  ['f16', 'F16', 2 ** -11],
  ['bf16', 'BF16', 2 ** -8],
] as const)('%s rounds all operands, or none, or their products too', (name, dtype, u) => {
  const all = { weights: dtype, biases: dtype, input: dtype, initialStates: dtype };
  expect(PROFILES[name].operands).toEqual([all, {}, { ...all, but: { products: u } }]);
  expect(PROFILE_OF[dtype]).toBe(name);
  expect(profileWith(name, PROFILES[name].operands[2])).toEqual({ ...PROFILES[name], products: u });
  expect(profileWith(name, PROFILES[name].operands[1])).toBe(PROFILES[name]);
});

test.each(['F16', 'BF16'] as const)('%s weights have biases in it or not, and so has autocast', (dtype) => {
  const name = dtype.toLowerCase() as 'f16' | 'bf16';
  expect(PROFILES[`${name}-weights`].operands).toEqual([
    { weights: dtype, biases: dtype },
    { weights: dtype },
  ]);
  const products = { weights: dtype, input: dtype, initialStates: dtype, state: dtype };
  expect(PROFILES[`autocast-${name}`].operands).toEqual([{ ...products, biases: dtype }, products]);
});

test('float32 is judged as any runtime computes it, float64 as its own', () => {
  expect([PROFILE_OF.F32, PROFILE_OF.F64]).toEqual(['generic', 'f64']);
});

test('a proof is beyond the bounds of every float32 runtime', () => {
  const network = networkOf(moduleOf('LSTM', { hidden_size: 3, input_size: 2 }), 3);
  const sequence = sequenceOf(network.module, 5, 2, 3);
  const boundsBy = (profile: Profile) =>
    envelope(network, sequence, { profile, model: 'worst' }).layers[0].error;
  const proofs = boundsBy(PROOFS.generic!);
  for (const name of ['torch', 'generic', 'exponential', 'coarse'] as const)
    for (const [i, bound] of boundsBy(PROFILES[name]).entries())
      expect(proofs[i], `${name} ${i}`).toBeGreaterThan(bound);
  // As far as tanh.approx is from tanh.
  const far = { ...PROFILES.coarse, tanh: { worst: 180, typical: 75 } };
  expect(boundsBy(far)).toEqual(proofs);
});

test('without rounding only what is uncertain is not exact', () => {
  const network = networkOf(moduleOf('LSTM', { hidden_size: 3, input_size: 2 }), 3);
  const sequence = sequenceOf(network.module, 5, 2, 3);
  for (const model of ['worst', 'likely'] as const) {
    const { layers, c_n } = envelope(network, sequence, { profile: UNROUNDED, model });
    for (const error of [...layers[0].error, ...c_n!.error]) expect(error).toBe(0);
  }
});
