import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  CellcheckError,
  caseOf,
  causeText,
  describeModule,
  diagnose,
  findCases,
  formatDiagnosis,
  formatReport,
  forward,
  inspect,
  loadCase,
  readTensors,
  stateDict,
  type Tensor,
  tensor,
  verify,
} from '../src/index.js';
import { cli, ROOT, SAMPLES } from './cli.js';
import { oracle } from './engine/oracle.js';
import { anyNetwork, weightsOf } from './engine/random-network.js';
import { lstmBundle, safetensorsBytes } from './write.js';

// Only the command line knows how long it took.
const timeless = (text: string) => text.replace(/, \d+\.\d s\)/, ')');

test('verify and formatReport say what the command line does, case by case and together', async () => {
  const labels = ['samples/lstm', 'samples/failing/lstm-ignored-lengths', 'samples/gru-cell'];
  const results = [];
  for (const label of labels) {
    const comparison = await verify(await loadCase(path.join(ROOT, label)), { explain: true });
    results.push({ label, comparison });
    const alone = await cli(['verify', label]);
    expect(await formatReport([{ label, comparison }])).toBe(alone.stdout);
    expect(comparison.verdict).toBe(alone.code === 0 ? 'parity' : 'differs');
  }
  const together = await cli(['verify', ...labels]);
  expect(await formatReport(results)).toBe(timeless(together.stdout));
  const json = await cli(['verify', ...labels, '--reporter', 'json']);
  expect(JSON.parse(await formatReport(results, { reporter: 'json' }))).toEqual(JSON.parse(json.stdout));
});

test('an error is thrown, names its file, and is reported like any other', async () => {
  const error = await loadCase('samples/nowhere').catch((caught) => caught);
  expect(error).toBeInstanceOf(CellcheckError);
  expect(error.parts).toMatchObject({ file: 'samples/nowhere' });
  expect(
    await formatReport([
      { label: 'a', error },
      { label: 'b', error },
    ]),
  ).toContain('2 without a verdict');
  await expect(loadCase(SAMPLES)).rejects.toThrow(/found \d+ cases, expected one/);
  expect((await findCases([SAMPLES], '.')).length).toBeGreaterThan(20);
});

test('three files, names and options go as on the command line', async () => {
  const at = (file: string) => path.join(SAMPLES, 'lstm-prefix', file);
  const loaded = await loadCase({
    weights: at('weights.safetensors'),
    input: at('input.safetensors'),
    expected: at('expected.safetensors'),
  });
  await expect(verify(loaded)).rejects.toThrow('choose one with --prefix');
  expect((await verify(loaded, { prefix: 'encoder.lstm.' })).verdict).toBe('parity');
});

test('a case in memory: bytes in, a verdict out', async () => {
  const tensors = readTensors(safetensorsBytes(lstmBundle()), 'bundle.safetensors');
  const roles = tensors.load(['input', 'h_0', 'c_0', 'output']);
  const [input, h_0, c_0, output] = ['input', 'h_0', 'c_0', 'output'].map((name) => roles.get(name)!);
  expect((await verify(caseOf(tensors, { input, h_0, c_0, output }))).verdict).toBe('parity');
  expect((await verify(caseOf(tensors, { input, output }))).verdict).toBe('differs');
  await expect(verify(caseOf(tensors, { input }))).rejects.toThrow('nothing to compare');
  expect(() => readTensors(Uint8Array.of(1, 2), 'x.safetensors')).toThrow('x.safetensors: found 2 bytes');
  const json = readTensors(fs.readFileSync(path.join(SAMPLES, 'bundles', 'gru.json')), 'gru.json');
  expect([...json.specs.keys()]).toContain('weight_hh_l0');
});

test('forward computes what the equations give, in the layout of its input', async () => {
  await fc.assert(
    fc.asyncProperty(anyNetwork(), fc.boolean(), async ({ network, sequence }, batch_first) => {
      const { module, layers } = network;
      const { steps, batch } = sequence;
      const turn = (data: ArrayLike<number>, size: number) =>
        Float64Array.from(data, (_, i) => {
          const [b, t, j] = [Math.floor(i / size / steps), Math.floor(i / size) % steps, i % size];
          return data[(t * batch + b) * size + j];
        });
      const states = layers.length * layers[0].length;
      const state = (data: ArrayLike<number> | undefined) =>
        data && tensor([states, batch, data.length / states / batch], data, 'F64');
      const input = batch_first
        ? tensor([batch, steps, module.input_size], turn(sequence.input, module.input_size), 'F64')
        : tensor([steps, batch, module.input_size], sequence.input, 'F64');
      const { kind, nonlinearity } = module;
      const outputs = await forward(
        weightsOf(network),
        {
          input,
          h_0: state(sequence.h0),
          c_0: state(sequence.c0),
          lengths: sequence.lengths && tensor([batch], [...sequence.lengths], 'I64'),
        },
        { batch_first, module: kind, nonlinearity: kind === 'RNN' ? nonlinearity : undefined },
      );
      const expected = oracle(network, sequence);
      const size = outputs.output!.shape[2];
      expect(outputs.output!.shape).toEqual(batch_first ? [batch, steps, size] : [steps, batch, size]);
      const output = batch_first ? turn(expected.output, size) : expected.output;
      for (const [i, value] of output.entries()) expect(outputs.output!.data[i]).toBeCloseTo(value, 10);
      for (const [i, value] of expected.h_n.entries()) expect(outputs.h_n.data[i]).toBeCloseTo(value, 10);
      expect(outputs.c_n !== undefined).toBe(kind === 'LSTM');
      if (outputs.c_n)
        for (const [i, value] of expected.c_n.entries()) expect(outputs.c_n.data[i]).toBeCloseTo(value, 10);
    }),
    { numRuns: 60 },
  );
});

test('forward without a batch, and of a Cell', async () => {
  const weights = { weight_ih: tensor([2, 1], [0.5, -0.25]), weight_hh: tensor([2, 2], [1, 0, 0, 1]) };
  const cell = await forward(stateDict(weights), { input: tensor([1], [1]) });
  expect(cell).toEqual({
    h_n: { dtype: 'F64', shape: [2], data: Float64Array.of(Math.tanh(0.5), Math.tanh(-0.25)) },
  });
  const loop = await forward(
    stateDict(weights),
    { input: tensor([3, 4, 1], Array(12).fill(1)) },
    { compute: 'float32' },
  );
  expect([loop.output!.shape, loop.output!.dtype, loop.h_n.shape]).toEqual([[3, 4, 2], 'F32', [4, 2]]);
  const { weight_ih, weight_hh } = weights;
  const rnn = stateDict({ weight_ih_l0: weight_ih, weight_hh_l0: weight_hh });
  const sequence = await forward(rnn, { input: tensor([3, 1], [1, 2, 3]) });
  expect([sequence.output!.shape, sequence.h_n.shape]).toEqual([
    [3, 2],
    [1, 2],
  ]);
  await expect(forward(rnn, { input: tensor([3, 2], Array(6).fill(1)) })).rejects.toThrow(
    'input: found [3, 2]',
  );
});

test('what a caller gets wrong is an error: values that are missing, options that are none', async () => {
  const tensors = lstmBundle();
  const dict = readTensors(safetensorsBytes(tensors), 'x.safetensors');
  const roles = Object.fromEntries(dict.load(['input', 'h_0', 'c_0', 'output', 'h_n', 'c_n']));
  const whole = caseOf(dict, roles);
  for (const name of Object.keys(roles)) {
    const short = { ...roles[name], data: roles[name].data.subarray(1) };
    await expect(verify(caseOf(dict, { ...roles, [name]: short }))).rejects.toThrow(`${name}: found`);
    const none = { ...roles[name], data: new Float32Array(0) };
    await expect(verify(caseOf(dict, { ...roles, [name]: none }))).rejects.toThrow(`${name}: found 0 values`);
  }
  const { shape } = dict.specs.get('weight_hh_l0')!;
  const weights = Object.fromEntries(dict.load([...dict.specs.keys()]));
  const hollow = stateDict({ ...weights, weight_hh_l0: { dtype: 'F32', shape, data: new Float32Array(1) } });
  await expect(forward(hollow, { input: roles.input })).rejects.toThrow('weight_hh_l0: found 1 values');

  expect((await verify(whole)).verdict).toBe('parity');
  const wrong: [object, string][] = [
    [{ module: 'Transformer' }, 'module: is not one of RNN'],
    [{ nonlinearity: 'gelu' }, 'nonlinearity: is not one of tanh, relu'],
    [{ compute: 'float16' }, 'compute: is not one of float64, float32'],
    [{ tolerance: { atol: Number.NaN } }, 'tolerance.atol'],
    [{ tolerance: { rtol: Number.POSITIVE_INFINITY } }, 'tolerance.rtol'],
    [{ tolerance: { atol: -1 } }, 'tolerance.atol: is negative'],
    [{ atol: 1 }, 'atol: is not an option'],
  ];
  for (const [options, message] of wrong) {
    await expect(verify(whole, options)).rejects.toThrow(message);
    await expect(verify(whole, options)).rejects.toBeInstanceOf(CellcheckError);
  }
  await expect(forward(dict, { input: roles.input }, { compute: 'float16' as 'float32' })).rejects.toThrow(
    'compute',
  );
  expect(() => dict.load(['nothing'])).toThrow('nothing: there is no such tensor');
  expect(() => stateDict({}).load(['nothing'])).toThrow('nothing: there is no such tensor');
  expect(() => tensor([-1, -1], [1])).toThrow('do not fill the shape');
  expect(() => tensor([1], [1], 'F31' as 'F32')).toThrow('a dtype is one of');
  expect(tensor([1], [0.1], 'BF16').data[0]).toBe(0.10009765625);
});

test('a wrong argument is an error that says what to pass, with a code to branch on', async () => {
  const path = 'samples/lstm' as never;
  for (const run of [verify, diagnose, inspect]) {
    const error = await run(path).catch((caught) => caught);
    expect(error).toBeInstanceOf(CellcheckError);
    expect(error.code).toBe('argument');
    expect(error.message.split('\n')).toEqual([
      'found the text samples/lstm, expected a case',
      "  Load it first: verify(await loadCase('folder'));",
      '  or make it of tensors: verify(caseOf(weights, { input, output })).',
    ]);
    await expect(run(undefined as never)).rejects.toMatchObject({ code: 'argument' });
    await expect(run(null as never)).rejects.toThrow('found null, expected a case');
    await expect(run({} as never)).rejects.toThrow('found a value of type object, expected a case');
    await expect(run(loadCase('samples/lstm', { cwd: ROOT }) as never)).rejects.toThrow(
      'found a promise, expected a case',
    );
    const loaded = await loadCase('samples/lstm', { cwd: ROOT });
    await expect(run({ ...loaded, options: null } as never)).rejects.toThrow('expected a case');
    await expect(run(loaded, null as never)).rejects.toThrow('found null, expected an object of options');
  }
});

test('forward takes a state_dict', async () => {
  const error = await forward(undefined as never, {} as never).catch((caught) => caught);
  expect(error).toMatchObject({ code: 'argument' });
  expect(error.message).toContain('found a value of type undefined, expected a state_dict');
});

test('any map of tensors will do in a case', async () => {
  const loaded = await loadCase('samples/lstm', { cwd: ROOT });
  const { tensors } = loaded;
  const other = {
    get: tensors.get.bind(tensors),
    has: tensors.has.bind(tensors),
    keys: tensors.keys.bind(tensors),
    values: tensors.values.bind(tensors),
    entries: tensors.entries.bind(tensors),
    forEach: tensors.forEach.bind(tensors),
    [Symbol.iterator]: tensors[Symbol.iterator].bind(tensors),
    size: tensors.size,
  };
  expect((await verify({ ...loaded, tensors: other })).verdict).toBe('parity');
});

test.each([
  ['file', () => loadCase('nowhere', { cwd: ROOT })],
  ['argument', () => loadCase('samples', { cwd: ROOT })],
  ['format', async () => readTensors(new TextEncoder().encode('hello'), 'x.json')],
  ['format', async () => readTensors(new Uint8Array(4), 'x.pt')],
  ['format', async () => readTensors(new TextEncoder().encode('{"a": [1, [2]]}'), 'x.json').load(['a'])],
  ['case', () => verify(caseOf(stateDict({}), {}))],
  ['case', async () => describeModule(stateDict({ weight: tensor([1], [1]) }).specs)],
  ['option', async () => verify(await loadCase('samples/lstm', { cwd: ROOT }), { rule: 'other' as 'auto' })],
  [
    'option',
    async () => verify(await loadCase('samples/lstm', { cwd: ROOT }), { module: 'Transformer' as 'LSTM' }),
  ],
  ['option', async () => inspect(await loadCase('samples/lstm', { cwd: ROOT }), { select: { steps: [99] } })],
  ['option', async () => inspect(await loadCase('samples/lstm', { cwd: ROOT }), { explain: true })],
  ['option', async () => caseOf(stateDict({}), {}, { batchFirst: true } as object)],
  ['option', async () => caseOf(stateDict({}), {}, { module: 'lstm' } as object)],
  [
    'option',
    async () =>
      describeModule(
        readTensors(fs.readFileSync(`${SAMPLES}/lstm/weights.safetensors`), 'w.safetensors').specs,
        { module: 'lstm' as 'LSTM' },
      ),
  ],
  ['option', () => loadCase('samples/lstm', { cwd: ROOT, expected_optional: true } as object)],
  [
    'option',
    async () => verify(await loadCase('samples/lstm', { cwd: ROOT }), { speed: { thread: 4 } as object }),
  ],
])('an error of a %s says so in its code', async (code, run) => {
  const error = await (run as () => Promise<unknown>)().catch((caught) => caught);
  expect(error).toBeInstanceOf(CellcheckError);
  expect(error).toMatchObject({ code });
});

test('a tolerance from a program is named as such, and from a command line as such', async () => {
  const loaded = await loadCase('samples/lstm', { cwd: ROOT });
  const comparison = await verify(loaded, { tolerance: { atol: 1e-5 } });
  const report = await formatReport([{ label: 'lstm', comparison }]);
  expect(report.replace(/\s+/g, ' ')).toContain('atol 1e-5 (rtol float32 default, atol from the options)');
  expect(report).not.toContain('undefined');
});

test.each([
  [{ layers: [7] }, 'select.layers: is not one of layer, batch, steps, unit, direction, show'],
  [{ steps: ['0:3'] }, 'select.steps: is not a list of whole numbers and { from, to }'],
  [{ steps: [1.5] }, 'select.steps: is not a list of whole numbers and { from, to }'],
  [{ steps: [] }, 'select.steps: is not a list of whole numbers and { from, to }'],
  [{ steps: 3 }, 'select.steps: is not a list of whole numbers and { from, to }'],
  [{ steps: [{ start: 0, end: 1 }] }, 'select.steps: is not a list of whole numbers and { from, to }'],
  [{ show: 'h' }, 'select.show: is not a list of names'],
  [{ direction: 'up' }, 'this module has no up direction\n  Directions are forward and reverse.'],
])('a selection that is none: %j', async (selection, message) => {
  const loaded = await loadCase('samples/lstm', { cwd: ROOT });
  await expect(inspect(loaded, { select: selection as object })).rejects.toThrow(message);
});

test('a report of one case that could not be compared says why', async () => {
  const error = new CellcheckError({ tensor: 'output', problem: 'is missing' });
  expect(await formatReport([{ label: 'broken', error }])).toContain('output: is missing');
});

test('a diagnosis and its report, and an inspection', async () => {
  const loaded = await loadCase('samples/failing/lstm-swapped-gates', { cwd: ROOT });
  const diagnosis = await diagnose(loaded);
  expect(diagnosis.cause).toMatchObject({ kind: 'conventions' });
  const text = await formatDiagnosis({ label: 'swapped', ...diagnosis });
  expect(causeText(diagnosis.cause!)).toContain('in the order f i g o');
  expect(text).toContain('\nfits ');
  const document = await formatDiagnosis({ label: 'swapped', ...diagnosis }, { reporter: 'json' });
  expect(JSON.parse(document)).toMatchObject({ case: 'swapped', verdict: 'differs' });
  const { parts } = await inspect(loaded, { select: { show: ['f'], layer: [0] } });
  expect(parts.map(({ name, layer }) => [name, layer])).toEqual([['f', 0]]);
});

test('of many modules none is chosen without a word', async () => {
  const gru = { weight_ih: tensor([3, 1], [1, 2, 3]), weight_hh: tensor([3, 1], [1, 2, 3]) };
  const lstm = { weight_ih: tensor([4, 1], [1, 2, 3, 4]), weight_hh: tensor([4, 1], [1, 2, 3, 4]) };
  const under = (prefix: string, tensors: object) =>
    Object.fromEntries(Object.entries(tensors).map(([name, value]) => [`${prefix}.${name}`, value]));
  const many = Object.assign(
    {},
    ...Array.from({ length: 999 }, (_, i) => under(`g${i}`, gru)),
    under('a', lstm),
    under('b', lstm),
  );
  const input = tensor([1], [1]);
  await expect(forward(stateDict(many), { input }, { module: 'LSTMCell' })).rejects.toThrow(
    'choose one with --prefix',
  );
  expect((await forward(stateDict(many), { input }, { prefix: 'b.' })).c_n).toBeDefined();
  const biases = Object.fromEntries(
    Array.from({ length: 2000 }, (_, i) => [`x${i}.bias_ih`, tensor([1], [0])]),
  );
  expect((await forward(stateDict({ ...biases, ...lstm }), { input })).h_n.shape).toEqual([1]);
});

test('a trace has the documented names and shapes, and none is made unless it is asked for', async () => {
  const loaded = await loadCase(path.join(SAMPLES, 'lstm-projection'));
  const inputs = Object.fromEntries(loaded.tensors) as { input: Tensor };
  const { trace } = await forward(loaded.weights, { input: inputs.input }, { trace: true });
  const names = [0, 1].flatMap((layer) =>
    ['forward', 'reverse'].flatMap((direction) =>
      ['h', 'c', 'i', 'f', 'g', 'o'].map((part) => `layer${layer}.${direction}.${part}`),
    ),
  );
  expect(Object.keys(trace!)).toEqual(names);
  for (const [name, { dtype, shape }] of Object.entries(trace!)) {
    expect({ dtype, shape }).toEqual({ dtype: 'F64', shape: [8, 2, name.endsWith('.h') ? 3 : 7] });
  }
  expect(await forward(loaded.weights, { input: inputs.input })).not.toHaveProperty('trace');
  const single = await forward(loaded.weights, { input: inputs.input }, { trace: true, compute: 'float32' });
  expect(single.trace!['layer1.reverse.o']).toMatchObject({ dtype: 'F32', data: expect.any(Float32Array) });
});

test('a trace is time first, whatever batch_first is, and has a batch where the input has none', async () => {
  const weights = stateDict({ weight_ih_l0: tensor([1, 1], [0.5]), weight_hh_l0: tensor([1, 1], [0.25]) });
  const run = (input: Tensor, batch_first = false) =>
    forward(weights, { input }, { trace: true, batch_first });
  const input = tensor([3, 2, 1], [1, 2, 3, 4, 5, 6]);
  const swapped = tensor([2, 3, 1], [1, 3, 5, 2, 4, 6]);
  const one = await run(input);
  const other = await run(swapped, true);
  expect(other.trace).toEqual(one.trace);
  expect(other.output).not.toEqual(one.output);
  expect(one.trace!['layer0.forward.h'].data).toEqual(one.output!.data);
  const { trace } = await run(tensor([3, 1], [1, 3, 5]));
  expect(trace!['layer0.forward.h'].shape).toEqual([3, 1, 1]);
});

test('without a trace memory does not grow with the gates of all steps', async () => {
  const steps = 20_000;
  const hidden = 64;
  const weights = stateDict({
    weight_ih_l0: tensor([4 * hidden, 1], Array(4 * hidden).fill(0.01)),
    weight_hh_l0: tensor([4 * hidden, hidden], Array(4 * hidden * hidden).fill(0.01)),
  });
  const input = tensor([steps, 1, 1], new Float32Array(steps).fill(1));
  const most = async (trace: boolean) => {
    const before = process.memoryUsage().arrayBuffers;
    let largest = 0;
    const onProgress = () => {
      largest = Math.max(largest, process.memoryUsage().arrayBuffers - before);
    };
    await forward(weights, { input }, { trace, onProgress });
    return largest;
  };
  const gates = 4 * hidden * steps * 8;
  expect(await most(false)).toBeLessThan(gates);
  expect(await most(true)).toBeGreaterThan(gates);
});
