import fc from 'fast-check';
import { expect, test } from 'vitest';
import { envelope } from '../../src/bounds/envelope.js';
import { PROFILES, type ProfileName } from '../../src/bounds/profiles.js';
import { screenOf } from '../../src/bounds/screening.js';
import { compareTensor } from '../../src/compare/tensor.js';
import { forwardPass } from '../../src/engine/forward.js';
import { caseOf } from '../../src/index.js';
import { hasNonlinearity } from '../../src/kinds.js';
import type { Network, Parameters, Sequence } from '../../src/module/bind.js';
import { directionsOf, outputSize } from '../../src/module/parameters.js';
import type { Floats } from '../../src/tensor/dtype.js';
import { stateDict } from '../../src/tensor/state-dict.js';
import { type Tensor, tensor } from '../../src/tensor/tensor.js';
import { rowsOf } from '../../src/threads/rows.js';
import { run } from '../../src/verdict/judged-run.js';
import { settle, type VerifyOptions } from '../../src/verdict/settings.js';
import { moduleOf } from '../engine/module.js';
import { anyNetwork, networkOf, sequenceOf, weightsOf } from '../engine/random-network.js';

const f32 = (shape: readonly number[], values: Floats) => tensor(shape, Float32Array.from(values), 'F32');

/** The case of a network and what a runtime gives for it, all of it in float32. */
function caseFor(network: Network, sequence: Sequence, expected: Readonly<Record<string, Floats>>) {
  const { module } = network;
  const { steps, batch, input, h0, c0, lengths } = sequence;
  const directions = directionsOf(module).length;
  const states = [module.num_layers * directions, batch];
  const shapes: Record<string, readonly number[]> = {
    output: [steps, batch, directions * outputSize(module)],
    h_n: [...states, outputSize(module)],
    c_n: [...states, module.hidden_size],
  };
  const all = weightsOf(network);
  const weights = Object.fromEntries(
    [...all.load([...all.specs.keys()])].map(([name, { shape, data }]) => [name, f32(shape, data)]),
  );
  const tensors: Record<string, Tensor> = {
    input: f32([steps, batch, module.input_size], input),
    ...(h0 && { h_0: f32(shapes.h_n, h0) }),
    ...(c0 && { c_0: f32(shapes.c_n, c0) }),
    ...(lengths && { lengths: tensor([batch], Float64Array.from(lengths), 'I64') }),
    ...Object.fromEntries(
      Object.entries(expected).map(([name, values]) => [name, f32(shapes[name], values)]),
    ),
  };
  return caseOf(stateDict(weights), tensors);
}

/** The network with float32 parameters. */
function inFloat32({ module, layers }: Network): Network {
  const narrow = (parameters: Parameters) => {
    const entries = Object.entries(parameters).filter(([, values]) => values);
    return Object.fromEntries(
      entries.map(([name, values]) => [name, Float32Array.from(values)]),
    ) as unknown as Parameters;
  };
  return { module, layers: layers.map((directions) => directions.map(narrow)) };
}

/** A verdict with and without a screening, and whether there was one that told everything. */
async function bothWays(loaded: ReturnType<typeof caseOf>, network: Network, profile?: ProfileName) {
  const { kind, nonlinearity } = network.module;
  const stated = hasNonlinearity(kind) ? { nonlinearity } : {};
  const judged = (kernels: 'simd' | 'plain') =>
    run(loaded, settle(loaded, { batch_first: false, ...stated, profile, speed: { kernels } }));
  const [screened, plain] = [await judged('simd'), await judged('plain')];
  return { screened, plain, isTold: screened.run.outputs.screened?.isTold === true };
}

test('no verdict depends on whether a reference was screened', async () => {
  const counts = { told: 0, differs: 0 };
  await fc.assert(
    fc.asyncProperty(
      anyNetwork(),
      fc.constantFrom(0, 0, 1e-6, 1e-5, 1e-4, 1e-2),
      fc.constantFrom(['output'], ['output', 'h_n', 'c_n'], ['h_n']),
      async ({ network, sequence }, change, names) => {
        const rounded = inFloat32(network);
        const given = { ...sequence, input: Float32Array.from(sequence.input) };
        const [[first]] = rounded.layers;
        const changed = first.weightIh.map((value, i) => (i === 0 ? value * (1 + change) : value));
        const port = {
          ...rounded,
          layers: [
            [{ ...first, weightIh: changed }, ...rounded.layers[0].slice(1)],
            ...rounded.layers.slice(1),
          ],
        };
        const storage = { dtype: 'F32' } as const;
        const { output, h_n, c_n } = await forwardPass(port, given, { storage });
        const all = { output, h_n, c_n };
        const expected = names.flatMap((name) => {
          const values = all[name as keyof typeof all];
          return values ? [[name, values] as const] : [];
        });
        const loaded = caseFor(rounded, given, Object.fromEntries(expected));
        const { screened, plain, isTold } = await bothWays(loaded, network);
        if (isTold) counts.told++;
        if (plain.ruling.verdict === 'differs') counts.differs++;
        expect(screened.ruling.verdict).toBe(plain.ruling.verdict);
        for (const [i, { comparison }] of screened.run.tensors.entries()) {
          const other = plain.run.tensors[i].comparison;
          expect(comparison.mismatches).toBe(other.mismatches);
          expect(comparison.zerosPass).toBe(other.zerosPass);
          const [auto, otherAuto] = [comparison.auto!, other.auto!];
          const { sigmas, units, suspicious, ...facts } = auto;
          expect(otherAuto).toMatchObject(facts);
          expect(units.map(({ unit }) => unit)).toEqual(otherAuto.units.map(({ unit }) => unit));
          expect(suspicious.map(({ unit }) => unit)).toEqual(otherAuto.suspicious.map(({ unit }) => unit));
          for (const [row, { sigmas }] of comparison.rows.entries())
            expect(sigmas ?? 0).toBeCloseTo(other.rows[row].sigmas ?? 0, 2);
        }
      },
    ),
    { numRuns: 400 },
  );
  expect(counts.told).toBeGreaterThan(100);
  expect(counts.differs).toBeGreaterThan(30);
}, 60_000);

test('a screening finds the same differences as a comparison of the same outputs', async () => {
  let told = 0;
  await fc.assert(
    fc.asyncProperty(anyNetwork(), fc.constantFrom(1e-9, 1e-7, 0.3), async ({ network, sequence }, atol) => {
      const rounded = inFloat32(network);
      const given = { ...sequence, input: Float32Array.from(sequence.input) };
      const { output, h_n } = await forwardPass(rounded, given, { storage: { dtype: 'F32' } });
      const loaded = caseFor(rounded, given, { output, h_n });
      const { kind, nonlinearity } = network.module;
      const { run: screened } = await run(
        loaded,
        settle(loaded, {
          batch_first: false,
          ...(hasNonlinearity(kind) && { nonlinearity }),
          rule: 'auto',
          tolerance: { rtol: 1e-7, atol },
          speed: { kernels: 'simd' },
        }),
      );
      if (!screened.outputs.screened?.isTold) return;
      told++;
      for (const { reference, actual, comparison } of screened.tensors) {
        const none = new Uint8Array(reference.data.length);
        const { auto, ...compared } = compareTensor(reference, actual, comparison.tolerance, false, {
          ...{ profile: 'generic', forced: true, limit: 6, units: [], suspicious: [] },
          ...{ faults: none, undecided: none, sigmas: new Float64Array(none.length) },
          counts: { undecided: 0, proven: 0, rare: 0 },
        });
        // Where dividing rounds, the largest relative difference may be another.
        const asCompared = comparison.rows.map((row, i) => {
          const { relative, sigmas } = compared.rows[i];
          if (relative !== Number.POSITIVE_INFINITY) expect(row.relative).toBeCloseTo(relative, 12);
          return { ...row, relative, sigmas };
        });
        expect({ ...comparison, auto: undefined, rows: asCompared }).toEqual(compared);
      }
    }),
    { numRuns: 300 },
  );
  expect(told).toBeGreaterThan(100);
});

test.each([
  { rows: [0], bidirectional: false },
  { rows: [0, 1], bidirectional: false },
  { rows: [2, 0, 1], bidirectional: false },
  { rows: [0, 1, 2], bidirectional: true },
])('a pass of some batch rows takes these of the reference: %o', async ({ rows, bidirectional }) => {
  const module = moduleOf('GRU', { hidden_size: 8, input_size: 4, bidirectional });
  const width = bidirectional ? 16 : 8;
  const network = networkOf(module, 3);
  const whole = sequenceOf(module, 30, 3, 3);
  const { output } = await forwardPass(network, whole);
  // Each row is off by another share.
  const values = output.map((value, i) => value * (1 + 1e-9 * ((Math.floor(i / width) % 3) + 1)));
  const known = { values, closeness: { rtol: 1e-7, atol: 0, margin: 2 ** -40 } };
  const speed = { kernels: 'simd' } as const;
  const screen = screenOf(network, whole, PROFILES.generic, known, speed)!;
  const options = { speed, screen: { ...screen, rows } };
  const { screened } = await forwardPass(network, rowsOf(whole, rows, module), options);
  expect(screened?.isTold).toBe(true);
  for (const relative of screened!.differences.relative)
    expect(relative).toBeCloseTo(1e-9 * (Math.max(...rows) + 1), 12);
});

const module = moduleOf('RNN', { hidden_size: 8, input_size: 4 });
const network = networkOf(module, 3);
const sequence = { ...sequenceOf(module, 30, 3, 3), lengths: [30, 12, 5] };
const weights = inFloat32(network);
const given = { ...sequence, input: Float32Array.from(sequence.input) };

/** A reference with these errors, in float32. */
async function verdictOn(change: (value: number, i: number) => number, profile?: ProfileName) {
  const { output } = await forwardPass(weights, given, { storage: { dtype: 'F32' } });
  const loaded = caseFor(weights, given, { output: output.map(change) });
  const { screened, plain } = await bothWays(loaded, weights, profile);
  expect(screened.ruling.verdict).toBe(plain.ruling.verdict);
  return screened;
}

test('padding that is not zero differs', async () => {
  const isPadding = (i: number) => i === 29 * 3 * 8 + 2 * 8 + 1;
  expect((await verdictOn((value) => value)).ruling.verdict).toBe('parity');
  expect((await verdictOn((value, i) => (isPadding(i) ? 1e-30 : value))).ruling.verdict).toBe('differs');
  expect((await verdictOn((value, i) => (isPadding(i) ? Number.NaN : value))).ruling.verdict).toBe('differs');
});

test('a unit whose values are all a little off differs, though none is beyond the limit', async () => {
  const { output } = await forwardPass(weights, given, { storage: { dtype: 'F32' } });
  const options = { profile: PROFILES.generic, model: 'likely', known: [{ values: output }] } as const;
  const [{ values, error }] = envelope(weights, given, options).layers;
  const off = (value: number, i: number) => (i % 8 === 3 ? values[i] + 4 * error[i] : value);
  const { ruling, run } = await verdictOn(off, 'generic');
  expect(ruling.verdict).toBe('differs');
  expect(run.tensors[0].comparison.auto!.units.map(({ unit }) => unit)).toEqual([3]);
});

test('final states alone are screened, and each is looked at', async () => {
  const { h_n } = await forwardPass(weights, given, { storage: { dtype: 'F32' } });
  for (const at of [-1, 0, 23]) {
    const values = h_n.map((value, i) => (i === at ? value * (1 + 1e-4) : value));
    const { screened, plain, isTold } = await bothWays(caseFor(weights, given, { h_n: values }), weights);
    expect(isTold).toBe(true);
    expect(screened.ruling.verdict).toBe(at < 0 ? 'parity' : 'differs');
    expect(plain.ruling.verdict).toBe(screened.ruling.verdict);
  }
});

/** What a run of the network's own outputs, as float32 gives them, has of a screening. */
async function screeningOf(
  options: VerifyOptions,
  change: (tensors: Record<string, Floats>) => Record<string, Tensor | Floats> = (tensors) => tensors,
  net = weights,
  steps: Sequence = given,
) {
  const { output, h_n, layers } = await forwardPass(net, steps, { storage: { dtype: 'F32' }, layers: true });
  const loaded = caseFor(net, steps, {});
  const { module: own } = net;
  const shape = [steps.steps, steps.batch, outputSize(own)];
  const states = [own.num_layers, steps.batch, outputSize(own)];
  const shapes: Record<string, readonly number[]> = { output: shape, h_n: states, output_l0: shape };
  const tensors = new Map(loaded.tensors);
  for (const [name, value] of Object.entries(change({ output, h_n, output_l0: layers![0] })))
    tensors.set(name as 'output', 'data' in value ? value : f32(shapes[name], value));
  const speed = { kernels: 'simd' } as const;
  const settings = settle(
    { ...loaded, tensors },
    { batch_first: false, nonlinearity: 'tanh', ...options, speed },
  );
  const { run: own_run, ruling } = await run({ ...loaded, tensors }, settings);
  return {
    ruling,
    isAsked: own_run.outputs.screened !== undefined,
    isTold: own_run.outputs.screened?.isTold,
    judged: own_run.tensors.map(({ judgement }) => judgement !== undefined),
    forced: own_run.tensors.map(({ comparison }) => comparison.auto?.forced),
    profiles: own_run.tensors.map(({ comparison }) => comparison.auto?.profile),
  };
}

const only =
  (...names: readonly string[]) =>
  (tensors: Record<string, Floats>) =>
    Object.fromEntries(names.map((name) => [name, tensors[name]]));

test('what is told is judged by nothing else', async () => {
  const output = await screeningOf({}, only('output', 'h_n'));
  expect(output).toMatchObject({ isTold: true, judged: [false, false], forced: [true, true] });
  expect(output.profiles).toEqual(['generic', 'generic']);
  expect(output.ruling.verdict).toBe('parity');
  expect(await screeningOf({ profile: 'torch' }, only('output'))).toMatchObject({
    isTold: true,
    profiles: ['torch'],
  });
  const states = await screeningOf({}, only('h_n'));
  expect(states).toMatchObject({ isTold: true, judged: [false], forced: [false] });
});

test('what a screening would say nothing of is not screened', async () => {
  const output = only('output');
  expect(await screeningOf({}, output)).toMatchObject({ isAsked: true });
  expect(await screeningOf({ rule: 'close' }, output)).toMatchObject({ isAsked: false, judged: [false] });
  expect(await screeningOf({ compute: 'float32' }, output)).toMatchObject({
    isAsked: false,
    judged: [false],
  });
  expect(await screeningOf({ decimals: 3 }, output)).toMatchObject({ isAsked: false });
  for (const profile of ['tf32', 'f16-weights', 'bf16'] as const)
    expect(await screeningOf({ profile }, output), profile).toMatchObject({ isAsked: false });
  // Two precisions have two profiles.
  const mixed = await screeningOf({}, ({ output: values, h_n }) => ({
    output: values,
    h_n: tensor(
      [1, 3, 8],
      Float64Array.from(h_n, (value) => value * (1 + 1e-12)),
      'F64',
    ),
  }));
  expect(mixed).toMatchObject({ isAsked: false, judged: [true, true] });
});

test('with the outputs of lower layers, each layer is judged from what goes into it', async () => {
  const deep = inFloat32(networkOf(moduleOf('RNN', { hidden_size: 8, input_size: 4, num_layers: 2 }), 5));
  const long = {
    ...sequenceOf(deep.module, 30, 3, 3),
    input: Float32Array.from(sequenceOf(deep.module, 30, 3, 3).input),
  };
  expect(await screeningOf({}, only('output'), deep, long)).toMatchObject({ isTold: true, judged: [false] });
  const both = await screeningOf({}, only('output', 'output_l0'), deep, long);
  expect(both).toMatchObject({ isAsked: false, judged: [true, true], ruling: { verdict: 'parity' } });
  const lower = await screeningOf({}, only('h_n'), deep, long);
  expect(lower).toMatchObject({ isTold: true, judged: [false], forced: [false] });
});
