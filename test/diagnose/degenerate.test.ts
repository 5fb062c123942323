import { describe, expect, test } from 'vitest';
import { allowances } from '../../src/diagnose/conventions/allowance.js';
import { predict } from '../../src/diagnose/conventions/predict.js';
import { degenerate, overwritten, padding } from '../../src/diagnose/degenerate.js';
import type { Floats } from '../../src/tensor/dtype.js';
import { moduleOf } from '../engine/module.js';
import { networkOf, sequenceOf } from '../engine/random-network.js';
import { boundOf } from './bound.js';

const MODULE = moduleOf('LSTM', { input_size: 2, hidden_size: 3 });
const NETWORK = networkOf(MODULE, 1);
const LENGTHS = [5, 3];
const SEQUENCE = { ...sequenceOf(MODULE, 5, 2, 2), lengths: LENGTHS };
const BASE = predict(NETWORK, SEQUENCE, {});

const said = async (output: Floats, base = BASE) => {
  const boundCase = boundOf(NETWORK, SEQUENCE, { output });
  return degenerate({ boundCase, base, allowances: await allowances(boundCase, undefined) })?.says;
};

test.each([
  [0, 'every value of the output is zero'],
  [0.37, 'every value of the output is 0.37'],
])('the same value everywhere: %d', async (value, says) => {
  expect(await said(BASE.output.map(() => value))).toBe(says);
  expect(await said(BASE.output.map((_, i) => (i === 29 ? value + 1 : value)))).toBeUndefined();
});

test('the same step again and again', async () => {
  expect(await said(BASE.output.map((_, i) => BASE.output[i % 6]))).toContain(
    'every step of the output is the same',
  );
  expect(await said(BASE.output)).toBeUndefined();
});

test('the same step from one on', async () => {
  const endless = predict(NETWORK, { ...SEQUENCE, lengths: undefined }, {});
  const stale = endless.output.map((value, i) => (i < 18 ? value : endless.output[12 + (i % 6)]));
  expect(await said(stale, endless)).toContain('from step 2 on every step of the output is the same');
  // Zeros are padding.
  expect(
    await said(
      endless.output.map((value, i) => (i < 18 ? value : 0)),
      endless,
    ),
  ).toBeUndefined();
});

test('values that were dropped, and the others scaled', async () => {
  const isDropped = (i: number) => i % 4 === 1;
  expect(await said(BASE.output.map((value, i) => (isDropped(i) ? 0 : value / 0.75)))).toContain(
    'dropout with p = 0.25',
  );
  const unscaled = BASE.output.map((value, i) => (isDropped(i) ? 0 : value));
  expect(await said(unscaled)).toBeUndefined();
  const other = BASE.output.map((value, i) => (isDropped(i) ? 0 : i === 2 ? value + 0.01 : value / 0.75));
  expect(await said(other)).toBeUndefined();
});

test.each([3, 4])('%d values that were dropped, or that are left', async (count) => {
  const dropout = async (isLeft: (i: number) => boolean) => {
    const output = BASE.output.map((value, i) => (isLeft(i) ? value / 0.75 : 0));
    const boundCase = boundOf(NETWORK, SEQUENCE, { output });
    return degenerate({ boundCase, base: BASE, allowances: await allowances(boundCase, undefined) });
  };
  const found =
    count < 4
      ? undefined
      : {
          kind: 'degenerate',
          says: '4 values of the output are zero, and the others 1.3333 times as large as they should be: dropout with p = 0.25',
          remedy: 'export in evaluation mode: model.eval()',
        };
  expect(await dropout((i) => i >= count)).toEqual(found);
  expect((await dropout((i) => i < count))?.kind).toBe(found?.kind);
});

describe('values that were changed after they were computed', () => {
  const endless = { ...SEQUENCE, lengths: undefined };
  const base = predict(NETWORK, endless, {});
  const changed = async (change: (value: number, i: number) => number) => {
    const boundCase = boundOf(NETWORK, endless, { output: base.output.map(change) });
    return overwritten({ boundCase, base, allowances: await allowances(boundCase, undefined) })?.says;
  };
  const step = (i: number) => Math.floor(i / 6);

  test('those of a step', async () =>
    expect(await changed((value, i) => (step(i) === 2 ? 0.3 : value))).toContain(
      '6 values of the output were changed after',
    ));
  test('its number is said', async () =>
    expect(await changed((value, i) => (step(i) === 2 ? 0.3 : value))).toContain('(step 2)'));
  test('those of a unit', async () =>
    expect(await changed((value, i) => (i % 3 === 1 ? value + 0.1 : value))).toContain('(unit 1)'));
  test('not where no step follows', async () =>
    expect(await changed((value, i) => (step(i) === 4 ? 0.3 : value))).toBeUndefined());
  test('nor where the steps after them differ too', async () =>
    expect(await changed((value, i) => (step(i) >= 2 ? value + 0.01 : value))).toBeUndefined());
  test('nor where they differ by little', async () =>
    expect(await changed((value, i) => (step(i) === 2 ? value + 1e-5 : value))).toBeUndefined());
});

test('a network that gives that is no reason', async () => {
  const constant = { ...BASE, output: BASE.output.map(() => 0.5) };
  expect(
    await said(
      BASE.output.map(() => 0),
      constant,
    ),
  ).toBeUndefined();
});

describe('padding', () => {
  const padded = (beyond: (t: number, i: number) => number) =>
    padding(
      boundOf(NETWORK, SEQUENCE, {
        output: BASE.output.map((value, i) => {
          const [t, row] = [Math.floor(i / 6), Math.floor(i / 3) % 2];
          return t < LENGTHS[row] ? value : beyond(t, i);
        }),
      }),
    );

  test('of one number', () => {
    const { says, remedy } = padded(() => -1);
    expect(says).toBe("the padding of the output is -1 (padding_value), and PyTorch's is 0");
    expect(remedy).toContain('--padding -1');
  });

  test('of the last state', () => {
    const { says, remedy } = padded((_, i) => BASE.output[2 * 6 + (i % 6)]);
    expect(says).toContain('the last valid step, repeated');
    expect(remedy).toContain('--padding ignore');
  });

  test('of anything', () => expect(padded((_, i) => i).says).toContain('other values'));
});
