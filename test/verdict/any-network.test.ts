import path from 'node:path';
import { expect, test } from 'vitest';
import {
  caseOf,
  forward,
  stateDict,
  type Tensor,
  tensor,
  type VerifyOptions,
  verify,
} from '../../src/index.js';
import { cli, ROOT } from '../cli.js';

const WARNING = 'almost any network would pass';

/** Four steps of two rows. */
const input = tensor([4, 2, 1], [0.5, -1, 0.25, 2, 1.5, -0.75, 0.1, 0.3]);
type Weights = Readonly<Record<string, readonly number[]>>;

/** What is warned of where the module's own outputs are the reference. */
async function warnings(values: Weights, options: VerifyOptions = {}, output?: readonly number[]) {
  const units = values.weight_hh_l0.length ** 0.5;
  const shapes: Record<string, number[]> = {
    weight_ih_l0: [units, 1],
    weight_hh_l0: [units, units],
    bias_ih_l0: [units],
    bias_hh_l0: [units],
  };
  const weights = stateDict(
    Object.fromEntries(Object.entries(values).map(([name, data]) => [name, tensor(shapes[name], data)])),
  );
  const { nonlinearity } = options;
  const own = (await forward(weights, { input }, { nonlinearity })).output!;
  const reference: Tensor = tensor(own.shape, output ?? own.data);
  const { verdict, warnings: all } = await verify(caseOf(weights, { input, output: reference }), options);
  return { verdict, warned: all.some(({ kind }) => kind === 'any-network') };
}

const ordinary = { weight_ih_l0: [0.5, -0.25], weight_hh_l0: [0.1, 0.2, -0.3, 0.4] };

test('an ordinary reference has no warning', async () => {
  expect(await warnings(ordinary)).toEqual({ verdict: 'parity', warned: false });
});

test.each([
  ['saturated by biases', { ...ordinary, bias_ih_l0: [50, 50], bias_hh_l0: [0, 0] }],
  ['saturated to both sides', { ...ordinary, bias_ih_l0: [50, -50], bias_hh_l0: [0, 0] }],
  ['saturated by weights', { weight_ih_l0: [1e3, -1e3], weight_hh_l0: [0, 0, 0, 0] }],
])('a reference that is %s has one', async (_, weights) => {
  expect(await warnings(weights)).toEqual({ verdict: 'parity', warned: true });
});

test('a constant reference has one where the biases alone make it, whatever the weights', async () => {
  const weights = { weight_ih_l0: [0.1], weight_hh_l0: [0], bias_ih_l0: [100], bias_hh_l0: [0] };
  const options = (atol: number): VerifyOptions => ({
    nonlinearity: 'relu',
    tolerance: { atol },
  });
  expect(await warnings(weights, options(90))).toEqual({ verdict: 'parity', warned: true });
  expect(await warnings(weights, options(0.01))).toEqual({ verdict: 'parity', warned: false });
});

test('a constant that depends on the weights has none', async () => {
  // tanh(0.5), at every step: no drawn network gives it.
  const weights = { weight_ih_l0: [0], weight_hh_l0: [0], bias_ih_l0: [0.5], bias_hh_l0: [0] };
  expect(await warnings(weights)).toEqual({ verdict: 'parity', warned: false });
});

test('what differs has none', async () => {
  const saturated = { ...ordinary, bias_ih_l0: [50, 50], bias_hh_l0: [0, 0] };
  const wrong = new Array<number>(16).fill(-1);
  expect(await warnings(saturated, {}, wrong)).toEqual({ verdict: 'differs', warned: false });
});

test('the command line: a warning, and no parity with --strict', async () => {
  const file = path.join(ROOT, 'test', 'data', 'cases', 'saturated.safetensors');
  const { code, stdout } = await cli(['verify', file]);
  expect({ code, warned: stdout.replace(/\s+/g, ' ').includes(WARNING) }).toEqual({ code: 0, warned: true });
  expect((await cli(['verify', file, '--strict'])).code).toBe(2);
});
