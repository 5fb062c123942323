import path from 'node:path';
import { expect, test } from 'vitest';
import { forward, stateDict, type Tensor, tensor } from '../../src/index.js';
import { scratch } from '../cli.js';
import { raw, writeSparse } from '../write.js';
import { type Measured, measured } from './process.js';

/** An LSTM with small random weights, an input, and the outputs that the library computes. */
async function lstm(input_size: number, hidden_size: number, steps: number): Promise<Record<string, Tensor>> {
  let state = 1;
  const numbers = (shape: readonly number[]) =>
    tensor(
      shape,
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        return (state / 2 ** 31) * 0.05;
      }),
    );
  const rows = 4 * hidden_size;
  const weights = { weight_ih_l0: numbers([rows, input_size]), weight_hh_l0: numbers([rows, hidden_size]) };
  const input = numbers([steps, 1, input_size]);
  const { output, h_n, c_n } = await forward(stateDict(weights), { input });
  return { ...weights, input, output: output!, h_n, c_n: c_n! };
}

/** Verifies the tensors, saved as float32 behind an unused tensor of `hole` bytes: a hole in the file. */
async function verified(tensors: Record<string, Tensor>, hole: number): Promise<Measured> {
  const cwd = scratch();
  const written = Object.entries(tensors).map(([name, { shape, data }]) => [name, raw(shape, data)] as const);
  writeSparse(path.join(cwd, 'x.safetensors'), Object.fromEntries(written), hole);
  const result = await measured(['verify', 'x.safetensors', '--quiet'], cwd);
  expect(result.output).toContain('parity');
  expect(result.code).toBe(0);
  console.log(`${result.megabytes.toFixed(0)} MB, ${result.seconds.toFixed(2)} s`);
  return result;
}

test('a small module behind 8 GB takes no more than 130 MB, and the time of the small module', async () => {
  const small = await lstm(8, 8, 10);
  const alone = await verified(small, 0);
  const behind = await verified(small, 8 * 2 ** 30);
  expect(behind.megabytes).toBeLessThan(130);
  expect(behind.megabytes - alone.megabytes).toBeLessThan(10);
});

test('a module of 20 MB in a checkpoint of 2 GB takes less than 130 MB', async () => {
  const { megabytes } = await verified(await lstm(512, 896, 4), 2 * 2 ** 30);
  expect(megabytes).toBeLessThan(130);
});

test('20,000 steps of 64 units take less than 200 MB', async () => {
  const { megabytes } = await verified(await lstm(64, 64, 20_000), 0);
  expect(megabytes).toBeLessThan(200);
});

test('list takes of a file of 2 GB the time and memory of its header', async () => {
  const cwd = scratch();
  const weights = {
    weight_ih_l0: raw([4, 2], Array(8).fill(1)),
    weight_hh_l0: raw([4, 1], Array(4).fill(1)),
  };
  const took: Measured[] = [];
  for (const [i, hole] of [0, 2 * 2 ** 30].entries()) {
    writeSparse(path.join(cwd, `${i}.safetensors`), weights, hole);
    took.push(await measured(['list', `${i}.safetensors`], cwd));
    expect(took[i].output).toContain('LSTM 2 → 1');
    expect(took[i].code).toBe(0);
    console.log(`${took[i].megabytes.toFixed(0)} MB, ${took[i].seconds.toFixed(2)} s`);
  }
  expect(took[1].megabytes - took[0].megabytes).toBeLessThan(10);
});
