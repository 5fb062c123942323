import path from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test, vi } from 'vitest';
import { errorCells } from '../../src/bounds/cells.js';
import { PROFILES } from '../../src/bounds/profiles.js';
import { varianceModel } from '../../src/bounds/variance.js';
import { setV8Flags } from '../../src/cli/v8-flags.js';
import { forwardPass } from '../../src/engine/forward.js';
import { BINARIES } from '../../src/engine/kernels/binaries.js';
import { chooseKernels } from '../../src/engine/kernels/choose.js';
import type { Kernels } from '../../src/engine/kernels/kernels.js';
import { plainFloat32, plainFloat64 } from '../../src/engine/kernels/plain.js';
import { instantiate, wasmKernels } from '../../src/engine/kernels/wasm.js';
import type { Compute } from '../../src/engine/options.js';
import { loadCase } from '../../src/index.js';
import { KINDS, type Kind } from '../../src/kinds.js';
import { bind } from '../../src/module/bind.js';
import { describeModule } from '../../src/module/describe.js';
import type { Floats } from '../../src/tensor/dtype.js';
import { cli, SAMPLES, sampleNames } from '../cli.js';
import { anyNetwork } from './random-network.js';

setV8Flags();

const NAMES = ['simd', 'relaxed', 'wide'] as const;
const COMPUTES = ['float64', 'float32'] as const;
const ALLOWED: Record<Compute, number> = { float64: 1e-13, float32: 2e-5 };

function kernelsOf(name: (typeof NAMES)[number], compute: Compute): Kernels {
  const chosen = chooseKernels('LSTM', compute, 0, { kernels: name });
  expect(chosen).toMatchObject({ name, notes: [] });
  return chosen.kernels;
}

function numbers(length: number, seed: number): Float64Array {
  return Float64Array.from({ length }, (_, i) => Math.fround(Math.sin(i * 12.9898 + seed * 78.233)));
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i])), 0);
}

interface Sizes {
  readonly columns: number;
  readonly size: number;
  readonly rows: number;
  readonly bias: boolean;
  readonly single: boolean;
}

/** A product by some kernels, in a buffer that says whether anything was written beyond it. */
function product(kernels: Kernels, { columns, size, rows, bias, single }: Sizes): number[] {
  const { products, buffers } = kernels.workspace(
    {
      product: {
        weight: single ? Float32Array.from(numbers(columns * size, 1)) : numbers(columns * size, 1),
        bias: bias ? numbers(columns, 2) : undefined,
        columns,
        rows: rows === 1 ? 'one' : 'many',
      },
    },
    { x: rows * size, out: rows * columns + 40 },
  );
  buffers.x.set(numbers(rows * size, 3));
  buffers.out.fill(7);
  products.product(buffers.out, buffers.x, rows);
  expect([...buffers.out.subarray(rows * columns)]).toEqual(Array(40).fill(7));
  return [...buffers.out.subarray(0, rows * columns)];
}

test.each(NAMES)('%s: products of all sizes agree with the plain ones', (name) => {
  for (const compute of COMPUTES) {
    const kernels = kernelsOf(name, compute);
    const plain = compute === 'float64' ? plainFloat64 : plainFloat32;
    const check = (sizes: Sizes) => {
      const actual = product(kernels, sizes);
      const expected = product(plain, sizes);
      const scale = Math.sqrt(sizes.size);
      expect(largestDifference(actual, expected), JSON.stringify(sizes)).toBeLessThan(
        ALLOWED[compute] * scale,
      );
      // Without fused operations it is the very same arithmetic, in the same order.
      if (name === 'simd') expect(actual).toEqual(expected);
    };
    for (let n = 1; n <= 130; n++) {
      check({ columns: n, size: ((n * 37) % 130) + 1, rows: 1, bias: n % 2 === 0, single: n % 3 === 0 });
      check({
        columns: n,
        size: ((n * 53) % 130) + 1,
        rows: (n % 13) + 2,
        bias: n % 3 !== 0,
        single: n % 2 === 0,
      });
    }
    for (const size of [255, 256, 257, 511, 513, 800]) {
      check({ columns: 45, size, rows: 100, bias: true, single: false });
      check({ columns: 45, size, rows: 1, bias: true, single: true });
    }
  }
});

test.each(NAMES)('%s: gate steps of all sizes agree with the cells', (name) => {
  for (const compute of COMPUTES) {
    const kernels = kernelsOf(name, compute);
    const plain = compute === 'float64' ? plainFloat64 : plainFloat32;
    for (const kind of Object.keys(KINDS) as Kind[]) {
      for (let hidden_size = 1; hidden_size <= 130; hidden_size++) {
        const rows = (hidden_size % 4) + 1;
        const nonlinearity = hidden_size % 2 ? 'tanh' : 'relu';
        const columns = KINDS[kind].gates.length * hidden_size;
        const [actual, expected] = [kernels, plain].map((some) => {
          const { gateStep, buffers } = some.workspace(
            {},
            {
              gates: (rows + 1) * columns + 9,
              hidden: rows * columns,
              h: rows * hidden_size + 9,
              c: rows * hidden_size + 9,
            },
          );
          for (const [i, buffer] of Object.values<Floats>(buffers).entries())
            buffer.set(numbers(buffer.length, i).map((value) => 4 * value));
          gateStep[kind]({
            ...{ rows, hidden_size, gates: buffers.gates, gatesAt: columns, hidden: buffers.hidden },
            ...{ h: buffers.h, c: buffers.c, nonlinearity, store: some.store },
          });
          // With what stands before and after: it stays as it was.
          return Object.values<Floats>(buffers).flatMap((values) => [...values]);
        });
        expect(largestDifference(actual, expected), `${kind} ${hidden_size}`).toBeLessThan(
          10 * ALLOWED[compute],
        );
      }
    }
  }
});

const EXTREME = [0, -0, 800, -800, 1e100, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN];
const UNKNOWN = [0, 1e-300, 1e200, Number.POSITIVE_INFINITY, Number.NaN];

test.each(NAMES)(
  '%s: variance steps of all sizes agree with the cells, for numbers of every kind',
  (name) => {
    const kernels = kernelsOf(name, 'float64');
    for (const [profile, kind] of Object.values(PROFILES).flatMap((one) =>
      (Object.keys(KINDS) as Kind[]).map((kind) => [one, kind] as const),
    )) {
      const model = varianceModel(profile);
      const { kernelTerms } = model;
      // The kernels have one tanh: that of another is computed by the cells.
      if (!kernelTerms) continue;
      for (let hidden_size = 1; hidden_size <= 34; hidden_size++) {
        const rows = (hidden_size % 4) + 1;
        const nonlinearity = hidden_size % 2 ? 'tanh' : 'relu';
        const columns = KINDS[kind].gates.length * hidden_size;
        const lengths = {
          gates: (rows + 1) * columns,
          hidden: (rows + 2) * columns,
          gatesError: (rows + 1) * columns,
          hiddenError: (rows + 2) * columns,
          biasError: columns,
          h: rows * hidden_size + 9,
          hError: rows * hidden_size + 9,
          c: rows * hidden_size + 9,
          cError: rows * hidden_size + 9,
        };
        const [actual, expected] = [kernels, plainFloat64].map((some) => {
          const { varianceStep, buffers } = some.workspace({}, lengths);
          for (const [i, [key, buffer]] of Object.entries(buffers).entries()) {
            // Variances from those of rounding to those of numbers of which nothing is known.
            const drawn = numbers(buffer.length, i).map((value, k) =>
              key.endsWith('Error')
                ? k % 31 === 7
                  ? UNKNOWN[k % UNKNOWN.length]
                  : 10 ** (9 * value - 12)
                : k % 29 === 5
                  ? EXTREME[k % EXTREME.length]
                  : 20 * value ** 3,
            );
            buffer.set(drawn);
          }
          const { h, hError, c, cError } = buffers;
          const places = { gatesAt: columns, hiddenAt: 2 * columns, terms: hidden_size + 7 };
          const step = { ...buffers, ...places, rows, hidden_size, nonlinearity } as const;
          if (varianceStep) varianceStep[kind](step, kernelTerms(step.terms));
          else errorCells(model)[kind](step);
          // With what stands after: it stays as it was.
          return { values: [...h, ...c], variances: [...hError, ...cError] };
        });
        const what = `${kind} ${hidden_size}`;
        const hold = (
          some: readonly number[],
          others: readonly number[],
          allowed: (value: number) => number,
        ) => {
          for (const [i, value] of others.entries()) {
            if (Number.isFinite(value)) expect(Math.abs(some[i] - value), what).toBeLessThan(allowed(value));
            else expect(some[i], what).toBe(value);
          }
        };
        hold(actual.values, expected.values, (value) => 1e-12 * Math.max(1, Math.abs(value)));
        // What is left of 1 − z has few digits where z is nearly 1, and no part in any variance then.
        hold(actual.variances, expected.variances, (value) => 1e-10 * value + 1e-20);
      }
    }
  },
);

test.each(NAMES)('%s: whole passes agree with the plain ones, traces too', async (name) => {
  await fc.assert(
    fc.asyncProperty(anyNetwork(), fc.constantFrom(...COMPUTES), async ({ network, sequence }, compute) => {
      const run = (kernels: 'plain' | typeof name) =>
        forwardPass(network, sequence, { compute, trace: true, speed: { kernels } });
      const [actual, expected] = [await run(name), await run('plain')];
      expect([actual.kernels.name, expected.kernels.name]).toEqual([name, 'plain']);
      const all = ({ output, h_n, c_n, trace = [] }: typeof actual) => [
        ...[...output, ...h_n, ...(c_n ?? [])],
        ...trace.flatMap(({ parts }) => Object.values(parts).flatMap((part) => [...part])),
      ];
      const scale = Math.max(1, ...all(expected).map(Math.abs));
      expect(largestDifference(all(actual), all(expected))).toBeLessThan(ALLOWED[compute] * scale);
    }),
    { numRuns: 150 },
  );
});

test.each(NAMES)('%s: every sample comes out as with plain kernels', async (name) => {
  for (const sample of [...sampleNames(), ...sampleNames('failing')]) {
    const loaded = await loadCase(path.join(SAMPLES, sample));
    const module = describeModule(loaded.weights.specs, loaded.options);
    const { network, sequence } = bind(module, loaded, loaded.options.batch_first);
    const [actual, expected] = await Promise.all(
      [name, 'plain' as const].map((kernels) => forwardPass(network, sequence, { speed: { kernels } })),
    );
    expect(actual.kernels.name).toBe(name);
    const scale = Math.max(1, ...expected.output.map(Math.abs));
    expect(largestDifference(actual.output, expected.output), sample).toBeLessThan(1e-13 * scale);
  }
  const verdicts = (kernels: string) =>
    cli(['verify', SAMPLES, '--quiet'], { env: { CELLCHECK_KERNELS: kernels } });
  const [actual, expected] = [await verdicts(name), await verdicts('plain')];
  expect(actual.code).toBe(expected.code);
  // What is said of differences in the last digits may differ.
  const words = (text: string) => text.replaceAll(/\S*\d\S*/g, '#');
  expect(words(actual.stdout)).toBe(words(expected.stdout));
});

/** σ or tanh of values by a build's vector code. */
function activate(name: (typeof NAMES)[number], values: Floats, hyperbolic: boolean): Floats {
  const { memory, exports } = instantiate(new WebAssembly.Module(Buffer.from(BINARIES[name], 'base64')));
  const at = Math.ceil(exports.free() / 16) * 16;
  memory.grow(Math.ceil((at + values.byteLength + 16) / 2 ** 16));
  const double = values instanceof Float64Array;
  const room = new (double ? Float64Array : Float32Array)(memory.buffer, at, values.length);
  room.set(values);
  exports[double ? 'activate_f64' : 'activate_f32'](at, values.length, hyperbolic ? 1 : 0);
  return room.slice();
}

const ulp32 = (value: number) =>
  Math.max(2 ** -149, 2 ** (Math.floor(Math.log2(Math.abs(value))) - 23)) || 2 ** -149;
const EXACT = {
  sigmoid: (x: number) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x))),
  tanh: Math.tanh,
};

// That they are within 2 ulp in float64 as well is shown against a longer format (test/live/).
test.each(NAMES)('%s: σ and tanh are within 2 ulp in float32, and keep what is special', (name) => {
  const random = Float32Array.from({ length: 200_000 }, (_, i) => {
    const exponent = ((i * 0.618033988749895) % 1) * 40 - 32;
    return (i % 2 ? -1 : 1) * 2 ** exponent * (1 + ((i * 0.754877666) % 1));
  });
  for (const [kind, exact] of Object.entries(EXACT)) {
    const actual = activate(name, random, kind === 'tanh');
    let worst = 0;
    for (const [i, value] of actual.entries()) {
      const wanted = exact(random[i]);
      worst = Math.max(worst, Math.abs(value - wanted) / ulp32(wanted));
    }
    expect(worst, kind).toBeLessThanOrEqual(2);
  }
  for (const ArrayOf of [Float64Array, Float32Array]) {
    const tiny = ArrayOf === Float64Array ? 5e-324 : 2 ** -149;
    const special = ArrayOf.of(
      0,
      -0,
      Infinity,
      -Infinity,
      Number.NaN,
      tiny,
      -tiny,
      1e30,
      -1e30,
      700,
      -700,
      -740,
    );
    const tanh = [0, -0, 1, -1, Number.NaN, tiny, -tiny, 1, -1, 1, -1, -1];
    expect([...activate(name, special, true)]).toEqual(tanh);
    const sigmoid = [...activate(name, special, false)];
    const small = [Math.exp(-700), Math.exp(-740)].map((value) => ArrayOf.of(value)[0]);
    expect(sigmoid).toEqual([0.5, 0.5, 1, 0, Number.NaN, 0.5, 0.5, 1, 0, 1, ...small]);
  }
});

test('a layer that no WebAssembly memory holds is computed by plain kernels', () => {
  const { memory, exports } = instantiate(new WebAssembly.Module(Buffer.from(BINARIES.simd, 'base64')));
  const full = {
    buffer: memory.buffer,
    grow: () => {
      throw new RangeError('WebAssembly.Memory.grow(): Maximum memory size exceeded');
    },
  };
  const sizes = { columns: 700, size: 300, rows: 2, bias: true, single: false };
  expect(product(wasmKernels({ memory: full, exports }, 'float64'), sizes)).toEqual(
    product(plainFloat64, sizes),
  );
});

test('where a process has no memory for WebAssembly, plain kernels compute, and the report says so', async () => {
  vi.resetModules();
  vi.spyOn(WebAssembly, 'Memory').mockImplementation(function refuse() {
    throw new RangeError('WebAssembly.Memory(): could not allocate memory');
  });
  onTestFinished(() => {
    vi.restoreAllMocks();
  });
  const fresh = await import('../../src/engine/kernels/choose.js');
  expect(fresh.chooseKernels('GRU', 'float64', 2 ** 25, {})).toMatchObject({
    name: 'plain',
    notes: [
      'there is no memory for the relaxed kernels, so plainer ones were used',
      'there is no memory for the simd kernels, so plainer ones were used',
    ],
  });
});

test('plain kernels are chosen for what is too small for others, and others by what there is', () => {
  const nameOf = (...argv: Parameters<typeof chooseKernels>) => chooseKernels(...argv).name;
  expect(nameOf('LSTM', 'float64', 2 ** 23, {})).toBe('plain');
  expect(nameOf('LSTM', 'float64', 2 ** 25, {})).toBe('relaxed');
  expect(nameOf('LSTM', 'float32', 2 ** 23, {})).toBe('relaxed');
  expect(nameOf('LSTM', 'float64', 2 ** 25, { wide: true })).toBe('wide');
  let prepared = 0;
  const prepare = () => {
    prepared++;
  };
  chooseKernels('LSTM', 'float64', 2 ** 23, { prepare });
  expect(prepared).toBe(0);
  chooseKernels('LSTM', 'float64', 2 ** 25, { prepare });
  expect(prepared).toBe(1);
});

test.each([
  [{ kernels: 'fast' }, /kernels: is not one of wide, relaxed, simd, plain/],
  [{ wide: 'yes' }, /wide: is not true or false/],
  [{ threads: 0 }, /threads: is not a whole number from 1 on/],
  [{ threads: 1.5 }, /threads: is not/],
])('speed options that are none are refused: %j', async (speed, message) => {
  const loaded = await loadCase(path.join(SAMPLES, 'lstm'));
  const { network, sequence } = bind(describeModule(loaded.weights.specs, {}), loaded, true);
  await expect(forwardPass(network, sequence, { speed: speed as never })).rejects.toThrow(message);
});

test('the command line says and chooses kernels', async () => {
  const run = (...argv: string[]) => cli(['verify', path.join(SAMPLES, 'lstm'), ...argv]);
  expect((await run('--verbose')).stderr).toMatch(/^cellcheck: \S*lstm: plain kernels, float64, 1 thread\n$/);
  const env = { CELLCHECK_KERNELS: 'simd' };
  const argv = [path.join(SAMPLES, 'gru'), '--verbose', '--compute', 'float32'];
  for (const command of ['verify', 'inspect'])
    expect((await cli([command, ...argv], { env })).stderr).toMatch(/simd kernels, float32, 1 thread\n$/);
  const wrong = await cli(['verify', path.join(SAMPLES, 'gru')], {
    env: { CELLCHECK_KERNELS: 'fast\u001b' },
  });
  expect(wrong).toMatchObject({ code: 2, stdout: '' });
  expect(wrong.stderr).toBe(
    'cellcheck: CELLCHECK_KERNELS is "fast\\u001b", and kernels are wide, relaxed, simd, plain\n',
  );
  expect(await run('--threads', '0')).toMatchObject({ code: 2, stdout: '' });
});
