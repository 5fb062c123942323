import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';
import { forward, stateDict, type Tensor, tensor } from '../src/index.js';
import { ROOT, scratch } from './cli.js';
import { moduleOf } from './engine/module.js';
import { networkOf, sequenceOf, weightsOf } from './engine/random-network.js';
import { raw, writeSafetensors } from './write.js';

const MODULE = moduleOf('LSTM', { input_size: 256, hidden_size: 512 });
const [STEPS, BATCH] = [100, 8];

// What a large case runs and small ones don't: compiled kernels, several threads, and the flags of V8 that go with them.
test('a large case is verified by the built program, in threads and with the fastest kernels', async () => {
  const weights = weightsOf(networkOf(MODULE, 1));
  const float32 = ({ shape, data }: Tensor) => tensor(shape, data);
  const rounded = Object.fromEntries(
    [...weights.load([...weights.specs.keys()])].map(([name, one]) => [name, float32(one)]),
  );
  const input = tensor([STEPS, BATCH, MODULE.input_size], sequenceOf(MODULE, STEPS, BATCH, 1).input);
  const { output, h_n, c_n } = await forward(stateDict(rounded), { input }, { speed: { kernels: 'plain' } });
  const file = path.join(scratch(), 'large.safetensors');
  const verify = (reference: Tensor) => {
    const tensors = { ...rounded, input, output: reference, h_n, c_n: c_n! };
    const entries = Object.entries(tensors).map(
      ([name, { shape, data }]) => [name, raw(shape, data)] as const,
    );
    writeSafetensors(file, Object.fromEntries(entries));
    const argv = [path.join(ROOT, 'bin', 'cellcheck.cjs'), 'verify', file, '--verbose', '--threads', '2'];
    return spawnSync(process.execPath, argv, { encoding: 'utf8' });
  };
  const right = verify(float32(output!));
  expect(right.stderr).toMatch(/: (wide|relaxed|simd) kernels, float64, 2 threads\n$/);
  expect({ status: right.status, stdout: right.stdout }).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('parity'),
  });
  const other = float32(output!);
  other.data[12_345] += 1e-4;
  expect(verify(other).status).toBe(1);
});
