import fs from 'node:fs';
import { expect, test } from 'vitest';
import { envelope } from '../../src/bounds/envelope.js';
import { PROFILES, type ProfileName } from '../../src/bounds/profiles.js';
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
