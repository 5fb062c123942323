import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import v8 from 'node:v8';
import { expect, test } from 'vitest';
import { BINARIES } from '../../src/engine/kernels/binaries.js';
import { instantiate } from '../../src/engine/kernels/wasm.js';
import { forward, readTensors, stateDict } from '../../src/index.js';
import { scratch } from '../cli.js';
import { pythonWithTorch } from './python.js';

if (Number(process.versions.node.split('.')[0]) < 22)
  v8.setFlagsFromString('--experimental-wasm-relaxed-simd');

const BUILDS = ['simd', 'relaxed', 'wide'] as const;
const POINTS = 10_000_000;
const CASES = 500;

// Limits for float32. The allowance of a case is twice the largest error of PyTorch's float32, or 1e-6. Our sums run in
// ascending k, which rounds more than PyTorch's partial sums: about one case in 500 exceeds its allowance, with most
// seeds by a third at most (by 60 % in the worst of a few thousand cases).
const SINGLE = { mostBeyond: 3, worst: 1.5 };

const python = (...argv: string[]) =>
  execFileSync(pythonWithTorch(), [path.join(import.meta.dirname, 'accuracy.py'), ...argv], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });

const SPECIAL = [0, -0, Infinity, -Infinity, Number.NaN, 5e-324, -5e-324, 1e-310, -1e-310, 1e-40, -1e-40];

/** Numbers of all exponents, half of them where the functions are curved; and special values. */
function points(ArrayOf: typeof Float64Array | typeof Float32Array) {
  const smallest = ArrayOf === Float64Array ? -1074 : -149;
  const largest = ArrayOf === Float64Array ? 1023 : 127;
  const values = new ArrayOf(POINTS);
  for (let i = 0; i < POINTS; i++) {
    const spread = (i * 0.6180339887498949) % 1;
    const exponent = i % 2 ? -12 + 22 * spread : smallest + (largest - smallest) * spread;
    values[i] = (i % 4 < 2 ? 1 : -1) * 2 ** exponent * (1 + ((i * 0.7548776662466927) % 1));
  }
  values.set(SPECIAL);
  return values;
}

test('σ and tanh are within 2 ulp over ten million points, in every build', { timeout: 900_000 }, () => {
  const folder = scratch();
  for (const ArrayOf of [Float64Array, Float32Array]) {
    const dtype = ArrayOf === Float64Array ? 'float64' : 'float32';
    const x = points(ArrayOf);
    fs.writeFileSync(path.join(folder, `x-${dtype}.bin`), x);
    for (const build of BUILDS) {
      const { memory, exports } = instantiate(new WebAssembly.Module(Buffer.from(BINARIES[build], 'base64')));
      const at = Math.ceil(exports.free() / 16) * 16;
      memory.grow(Math.ceil((at + x.byteLength + 16) / 2 ** 16));
      const room = new ArrayOf(memory.buffer, at, x.length);
      for (const [i, name] of ['sigmoid', 'tanh'].entries()) {
        room.set(x);
        exports[dtype === 'float64' ? 'activate_f64' : 'activate_f32'](at, x.length, i);
        fs.writeFileSync(path.join(folder, `${name}-${dtype}-${build}.bin`), room);
      }
    }
  }
  const worst: Record<string, number> = JSON.parse(python('activations', folder));
  console.log(worst);
  expect(Object.keys(worst)).toHaveLength(2 * 2 * BUILDS.length);
  for (const [name, ulp] of Object.entries(worst)) expect(ulp, name).toBeLessThanOrEqual(2);
});

test('outputs are as near to PyTorch’s as its own float32 and float64 allow', {
  timeout: 900_000,
}, async () => {
  const folder = scratch();
  const seed = process.env.LIVE_SEED ?? String(Date.now() % 1_000_000);
  console.log(`LIVE_SEED=${seed}`);
  python('networks', folder, String(CASES), seed);
  for (const kernels of ['plain', ...BUILDS] as const) {
    const doubles: number[] = [];
    const singles: number[] = [];
    for (let i = 0; i < CASES; i++) {
      const file = path.join(folder, `${i}.safetensors`);
      const saved = readTensors(fs.readFileSync(file), file);
      const { input, float32, float64, ...weights } = Object.fromEntries(saved.load([...saved.specs.keys()]));
      const run = async (compute: 'float64' | 'float32') =>
        (await forward(stateDict(weights), { input }, { compute, batch_first: false, speed: { kernels } }))
          .output!.data;
      for (const [k, value] of (await run('float64')).entries())
        doubles.push(Math.abs(value - float64.data[k]));
      const single = await run('float32');
      let [ours, theirs] = [0, 0];
      for (const [k, exact] of float64.data.entries()) {
        ours = Math.max(ours, Math.abs(single[k] - exact));
        theirs = Math.max(theirs, Math.abs(float32.data[k] - exact));
      }
      singles.push(ours / Math.max(2 * theirs, 1e-6));
    }
    doubles.sort((a, b) => a - b);
    const [median, largest] = [doubles[doubles.length >> 1], doubles.at(-1)!];
    const worst = Math.max(...singles);
    const beyond = singles.filter((share) => share > 1).length;
    console.log(kernels, { values: doubles.length, median, largest, worst, beyond });
    expect(doubles.length).toBeGreaterThan(100_000);
    expect(largest).toBeLessThan(1e-13);
    expect(median).toBeLessThan(1e-15);
    expect(beyond).toBeLessThanOrEqual(SINGLE.mostBeyond);
    expect(worst).toBeLessThanOrEqual(SINGLE.worst);
  }
});
