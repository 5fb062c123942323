import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Envelope } from '../../src/bounds/envelope.js';
import { PROFILES } from '../../src/bounds/profiles.js';
import { screenOf } from '../../src/bounds/screening.js';
import type { SpeedOptions } from '../../src/engine/options.js';
import type { Screened } from '../../src/engine/screen.js';
import type { Kind } from '../../src/kinds.js';
import type { Module } from '../../src/module/parameters.js';
import type { Floats } from '../../src/tensor/dtype.js';
import { envelopeInThreads } from '../../src/threads/envelope.js';
import { forwardInThreads } from '../../src/threads/forward.js';
import { moduleOf } from '../engine/module.js';
import { networkOf, sequenceOf } from '../engine/random-network.js';

const workers = vi.hoisted(() => ({
  /** What other threads do in place of their work. */
  as: 'built' as 'built' | 'throws' | 'ends' | 'denied',
  all: [] as import('node:worker_threads').Worker[],
  /** How many tasks they were given. */
  tasks: 0,
}));

// Another thread runs what is built.
vi.mock('node:worker_threads', async (original) => {
  const { Worker } = await original<typeof import('node:worker_threads')>();
  const program = (text: string) => new URL(`data:text/javascript,${encodeURIComponent(text)}`);
  const programs = {
    built: (url: URL) => new URL(url.href.replace('/src/threads/', '/dist/src/threads/')),
    throws: () => program('throw new Error("no start")'),
    ends: () =>
      program(`import { parentPort } from 'node:worker_threads';
        parentPort.on('message', ({ share }) => {
          if (share) Atomics.store(new Int32Array(share.memory, 0, 2), 1, 1);
          process.exit(3);
        });
        parentPort.postMessage('ready');`),
    denied: () => {
      throw new Error('Access to this API has been restricted');
    },
  };
  class Built extends Worker {
    constructor(url: URL) {
      super(programs[workers.as](url));
      workers.all.push(this);
    }
    override postMessage(task: unknown) {
      workers.tasks++;
      super.postMessage(task);
    }
  }
  return { Worker: Built };
});

interface Case {
  readonly kind: Kind;
  readonly hidden_size: number;
  readonly proj_size?: number;
  readonly bidirectional?: boolean;
  readonly num_layers?: number;
  readonly steps: number;
  readonly batch: number;
}

// Just above the work from which threads pay; by batch rows, and by the units of one row.
const CASES: readonly Case[] = [
  { kind: 'LSTM', hidden_size: 300, steps: 100, batch: 31, bidirectional: true },
  { kind: 'GRU', hidden_size: 257, steps: 300, batch: 14, num_layers: 2 },
  { kind: 'RNN', hidden_size: 600, steps: 150, batch: 33 },
  { kind: 'LSTM', hidden_size: 513, proj_size: 200, steps: 1800, batch: 1, num_layers: 2 },
  // By units too, because there are many weights.
  { kind: 'LSTM', hidden_size: 1033, steps: 60, batch: 5, num_layers: 2 },
  { kind: 'GRU', hidden_size: 611, steps: 1000, batch: 1, bidirectional: true },
  { kind: 'RNN', hidden_size: 1001, steps: 2200, batch: 1 },
];

/** A pass in two threads that is just worth them, by rows or by the units of one. */
function passOf(batch: number) {
  const module: Module = {
    ...{ kind: 'RNN', cell: false, nonlinearity: 'tanh', prefix: '', input_size: 20, hidden_size: 900 },
    ...{ proj_size: 0, num_layers: 1, bidirectional: false, bias: true },
  };
  const sequence = sequenceOf(module, batch > 1 ? 80 : 2600, batch, 1);
  return (speed: SpeedOptions, onProgress?: () => void) =>
    forwardInThreads(networkOf(module, 1), sequence, { speed, onProgress });
}

// The first tests, for threads are kept.
test.each([
  ['throws', 20, 'no start'],
  ['throws', 1, 'no start'],
  ['ends', 20, 'one has ended \\(3\\)'],
  // Whichever is heard of first.
  ['ends', 1, 'one did not come|one has ended \\(3\\)'],
  ['denied', 20, 'Access to this API has been restricted'],
  ['denied', 1, 'Access to this API has been restricted'],
] as const)('where another thread %s, one computes, and says so (batch %i)', async (as, batch, why) => {
  workers.as = as;
  onTestFinished(() => {
    workers.as = 'built';
  });
  const pass = passOf(batch);
  const { kernels, ...outputs } = await pass({ threads: 2 });
  expect(kernels).toMatchObject({
    threads: 1,
    notes: [expect.stringMatching(new RegExp(`^other threads failed \\((${why})\\), so one computed$`))],
  });
  const alone = await pass({ threads: 1 });
  expect(Buffer.from(outputs.output.buffer).equals(Buffer.from(alone.output.buffer))).toBe(true);
});

test.each([20, 1])('an error of this thread is its own, and the others end (batch %i)', async (batch) => {
  const pass = passOf(batch);
  const stop = () => {
    throw new Error('stopped');
  };
  await expect(pass({ threads: 2 }, stop)).rejects.toThrow('stopped');
  expect((await pass({ threads: 2 })).kernels).toMatchObject({ threads: 2, notes: [] });
});

test('a thread that ends while it has nothing to do is replaced', async () => {
  const pass = passOf(20);
  await pass({ threads: 2 });
  const before = workers.all.length;
  await Promise.all(workers.all.map((worker) => worker.terminate()));
  expect((await pass({ threads: 2 })).kernels).toMatchObject({ threads: 2, notes: [] });
  expect(workers.all.length).toBe(before + 1);
});

test.each(CASES)(
  '$kind $hidden_size × $batch: the same bits from 1, 2 and 3 threads',
  async (drawn) => {
    const module: Module = {
      ...{ cell: false, nonlinearity: 'tanh', prefix: '', input_size: 20, proj_size: 0, num_layers: 1 },
      ...{ bidirectional: false, bias: true },
      ...drawn,
    };
    const { steps, batch } = drawn;
    const network = networkOf(module, 5);
    const lengths = batch > 1 ? Array.from({ length: batch }, (_, row) => steps - row) : undefined;
    const sequence = { ...sequenceOf(module, steps, batch, 5), lengths };
    const speed = { kernels: 'simd' } as const;
    const width = (drawn.bidirectional ? 2 : 1) * (drawn.proj_size ?? drawn.hidden_size);
    // A bit off, so that every value deviates.
    const expected = (await forwardInThreads(network, sequence, { speed })).output.map((h) => h * (1 + 1e-8));
    const known = { values: expected, closeness: { rtol: 1e-8, atol: 1e-9, margin: 2 ** -40 } };
    const screen = screenOf(network, sequence, PROFILES.generic, known, speed);
    const run = (threads: number) =>
      forwardInThreads(network, sequence, { speed: { ...speed, threads }, screen, trace: batch > 1 });
    const { kernels, ...one } = await run(1);
    expect(one.screened?.isTold).toBe(drawn.proj_size ? undefined : true);
    expect(one.screened?.squares.length).toBe(drawn.proj_size ? undefined : batch * width);
    expect(kernels.threads).toBe(1);
    expect(one.trace !== undefined).toBe(batch > 1);
    for (const threads of [2, 3]) {
      const { kernels: used, ...several } = await run(threads);
      expect(used).toMatchObject({ threads, name: kernels.name });
      const same = (a: ArrayLike<number>, b: ArrayLike<number>) =>
        a.length === b.length && Array.from(a).every((value, i) => Object.is(value, b[i]));
      expect(same(one.output, several.output)).toBe(true);
      expect(same(one.h_n, several.h_n)).toBe(true);
      if (one.c_n) expect(same(one.c_n, several.c_n!)).toBe(true);
      for (const [name, values] of Object.entries(one.screened ?? {}))
        expect(several.screened![name as keyof Screened], name).toEqual(values);
      for (const [i, { parts }] of (one.trace ?? []).entries()) {
        expect(several.trace![i]).toMatchObject({
          layer: one.trace![i].layer,
          direction: one.trace![i].direction,
        });
        for (const [name, values] of Object.entries(parts))
          expect(same(values, several.trace![i].parts[name]), name).toBe(true);
      }
    }
  },
  120_000,
);

describe('the envelope of rounding errors', () => {
  const caseOf = (drawn: Partial<Module> & Pick<Module, 'hidden_size'>, steps: number, batch: number) => {
    const module = moduleOf('RNN', { input_size: 20, ...drawn });
    const lengths = Array.from({ length: batch }, (_, row) => steps - ((7 * row) % 20));
    return {
      network: networkOf(module, 5),
      sequence: { ...sequenceOf(module, steps, batch, 5), lengths },
    };
  };
  const spreadsOf = ({ layers, h_n, c_n }: Envelope) => [...layers, h_n, ...(c_n ? [c_n] : [])];
  const expectSame = (one: Envelope, other: Envelope) => {
    const { coherent, overflows } = one;
    expect(other).toMatchObject({ coherent, overflows });
    const bytes = ({ buffer }: Floats | Uint8Array) => Buffer.from(buffer);
    for (const [i, spread] of spreadsOf(one).entries())
      for (const name of ['values', 'error', 'undecided'] as const)
        expect(bytes(spreadsOf(other)[i][name]).equals(bytes(spread[name])), name).toBe(true);
  };

  test.each([
    ['likely', { kind: 'LSTM', hidden_size: 300, bidirectional: true }, 80, 31, PROFILES.generic],
    ['worst', { kind: 'GRU', hidden_size: 257, num_layers: 2 }, 200, 14, PROFILES.cudnn],
    // Sums of relu may overflow in float16.
    ['likely', { nonlinearity: 'relu', hidden_size: 600, bidirectional: true }, 75, 33, PROFILES.f16],
  ] as const)(
    '%s of %o: the same bits from 1, 2 and 3 threads',
    async (model, drawn, steps, batch, profile) => {
      const { network, sequence } = caseOf(drawn, steps, batch);
      const input = sequence.input.map((value) => (profile === PROFILES.f16 ? 1e4 * value : value));
      const run = (threads: number) => {
        const options = { profile, model, speed: { kernels: 'simd', threads } } as const;
        return envelopeInThreads(network, { ...sequence, input }, options);
      };
      const one = await run(1);
      expect(one.overflows.length > 0).toBe(profile === PROFILES.f16);
      for (const threads of [2, 3]) {
        const before = workers.tasks;
        expectSame(one, await run(threads));
        expect(workers.tasks - before).toBe(threads - 1);
      }
    },
  );

  test('where another thread throws, one computes', async () => {
    await Promise.all(workers.all.map((worker) => worker.terminate()));
    workers.as = 'throws';
    onTestFinished(() => {
      workers.as = 'built';
    });
    const { network, sequence } = caseOf({ hidden_size: 600 }, 100, 30);
    const run = (threads: number) =>
      envelopeInThreads(network, sequence, {
        profile: PROFILES.generic,
        model: 'likely',
        speed: { kernels: 'simd', threads },
      });
    expectSame(await run(1), await run(2));
  });
});

test('options that are none are refused before the work is shared out', async () => {
  const module: Module = {
    ...{ kind: 'RNN', cell: false, nonlinearity: 'tanh', prefix: '', input_size: 20, hidden_size: 600 },
    ...{ proj_size: 0, num_layers: 1, bidirectional: false, bias: true },
  };
  const pass = (speed: object, trace: boolean, steps = 150) =>
    forwardInThreads(networkOf(module, 1), { ...sequenceOf(module, 150, 33, 1), steps }, { speed, trace });
  await expect(pass({ threads: 2.5 }, false)).rejects.toThrow('threads: is not a whole number');
  await expect(pass({ threads: 2, kernels: 'fast' }, false)).rejects.toThrow('kernels: is not one of');
  // The whole trace counts, not a thread's part of it.
  await expect(pass({ threads: 8 }, true, 30_000)).rejects.toThrow('states and gates of 30000 steps × 33');
});

test('what is small stays in one thread', async () => {
  const module: Module = {
    ...{ kind: 'LSTM', cell: false, nonlinearity: 'tanh', prefix: '', input_size: 20, hidden_size: 30 },
    ...{ proj_size: 0, num_layers: 1, bidirectional: false, bias: true },
  };
  const { kernels } = await forwardInThreads(networkOf(module, 1), sequenceOf(module, 50, 8, 1), {
    speed: { threads: 4 },
  });
  expect(kernels).toEqual({ name: 'plain', threads: 1, notes: [] });
});
