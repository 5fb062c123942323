import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { DIAGNOSIS_SCHEMA } from '../../schemas/diagnosis.js';
import { predict } from '../../src/diagnose/conventions/predict.js';
import type { Variant } from '../../src/diagnose/conventions/variant.js';
import { diagnose, formatDiagnosis, loadCase } from '../../src/index.js';
import { bind } from '../../src/module/bind.js';
import { type Case, caseOf, type Role } from '../../src/module/case.js';
import { describeModule } from '../../src/module/describe.js';
import { stateDict } from '../../src/tensor/state-dict.js';
import { type Tensor, tensor } from '../../src/tensor/tensor.js';
import { cli, copySample, SAMPLES, scratch } from '../cli.js';
import { changedIn, conventionsOf, weightsOf, whereaboutsOf } from '../diagnose/findings.js';
import { writeJson } from '../write.js';

const words = (text: string) => text.replace(/\s+/g, ' ');
const loaded = (name: string) => loadCase(path.join(SAMPLES, name));

/** A case with some of its weights changed, by their names. */
function withWeights(one: Case, change: (name: string, data: Float64Array) => void): Case {
  const tensors = [...one.weights.load([...one.weights.specs.keys()])].map(([name, { shape, data }]) => {
    const values = Float64Array.from(data);
    change(name, values);
    return [name, tensor(shape, values, 'F32')] as const;
  });
  return { ...one, weights: stateDict(Object.fromEntries(tensors)) };
}

/** A case whose reference another program made: only its output. */
function wrongly(one: Case, variant: Variant): Case {
  const { network, sequence, layout } = bind(describeModule(one.weights.specs, one.options), one, false);
  const { output } = predict(network, sequence, variant);
  const { steps, batch } = layout;
  const expected = tensor([steps, batch, output.length / steps / batch], Float32Array.from(output));
  const inputs = [...one.tensors].filter(([role]) => !['output', 'h_n', 'c_n'].includes(role));
  return caseOf(one.weights, Object.fromEntries([...inputs, ['output', expected]]), one.options);
}

test.each([
  [
    'gru-perturbed-step',
    'fits one value of the reference was changed after it was computed',
    'output[42, 1, 5] is',
  ],
  [
    'lstm-ignored-lengths',
    'fits lengths were ignored: the network ran over the padding',
    'do pack the padded',
  ],
  ['lstm-swapped-gates', 'are in the order f i g o (OpenVINO), not i f g o', 'for i in (1, 0, 2, 3)'],
  ['rnn-forgotten-bias', 'fits bias_hh is missing: only bias_ih was added', 'do add bias_hh too'],
])('%s is diagnosed to what was done to it', async (name, ...said) => {
  for (const rule of [[], ['--rule', 'close']]) {
    const { code, stdout, stderr } = await cli(['diagnose', `samples/failing/${name}`, ...rule]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    for (const one of said) expect(words(stdout)).toContain(one);
    expect(stdout).not.toMatch(/^or /m);
  }
  const { stdout } = await cli(['verify', `samples/failing/${name}`]);
  expect(words(stdout)).toContain('(cellcheck diagnose says more)');
});

test('a case that agrees has nothing to diagnose', async () => {
  const { code, stdout } = await cli(['diagnose', 'samples/lstm']);
  expect(code).toBe(0);
  expect(stdout).toContain('\nparity ');
  expect(stdout).not.toMatch(/fits/);
});

test.each(['lstm-initial-state', 'gru-lengths', 'rnn-unbatched'])(
  'one weight of %s that is off by a fiftieth is named, with the value that it should have',
  async (name) => {
    const one = await loaded(name);
    // Below the last layer there is nothing to hold a step against.
    const last = Math.max(...[...one.weights.specs.keys()].map((key) => Number(/_l(\d+)/.exec(key)![1])));
    const specs = [...one.weights.specs].filter(
      ([key]) => key.startsWith('weight') && key.includes(`_l${last}`),
    );
    expect(specs.length).toBeGreaterThanOrEqual(2);
    for (const [key, { shape }] of specs) {
      let right = 0;
      const [row, column] = [shape[0] - 2, shape[1] - 1];
      const wrong = withWeights(one, (at, data) => {
        const i = row * shape[1] + column;
        if (at !== key) return;
        right = data[i];
        data[i] *= 1.02;
      });
      const { comparison, cause } = await diagnose(wrong);
      expect(comparison.verdict, key).toBe('differs');
      expect(conventionsOf(cause), key).toEqual([]);
      expect(weightsOf(cause)[0], key).toMatchObject({ tensors: [key], row, column });
      expect(Math.abs(weightsOf(cause)[0].implied - right)).toBeLessThan(
        Math.max(8 * weightsOf(cause)[0].deviation, 1e-7),
      );
    }
  },
);

test('two conventions at once are found, where neither alone explains it', async () => {
  const one = await loaded('lstm-initial-state');
  const { cause } = await diagnose(wrongly(one, { order: 'iofg', biases: 'none' }));
  const [{ says, remedies, left }] = conventionsOf(cause);
  expect(words(says.join(' and '))).toContain('in the order i o f g (ONNX)');
  expect(says[1]).toBe('both biases are missing');
  expect(remedies).toHaveLength(2);
  expect(left).toBeLessThan(1e-6);
});

test('what looks alike is named together, with what would tell it apart', async () => {
  // At a single step from zeros, only b_hn shows where the reset gate acts.
  const one = await loaded('gru');
  const input = one.tensors.get('input')!;
  const first: Tensor = tensor([1, 1, input.shape[2]], input.data.slice(0, input.shape[2]));
  const single = caseOf(one.weights, { input: first }, { module: 'GRU', batch_first: false });
  const { cause } = await diagnose(wrongly(single, { reset: 'before' }));
  const says = conventionsOf(cause).map((convention) => convention.says.join());
  expect(says).toContain('b_hn is added outside of the reset: r (W_hn h) + b_hn, not r (W_hn h + b_hn)');
  expect(says.some((text) => text.startsWith('the reset gate acts on h before the product'))).toBe(true);
  expect(cause!.separators).toEqual(
    expect.arrayContaining(['an h_0 that is not zero', 'more than one step', 'more than one batch row']),
  );
  expect(cause!.notExcluded).toContain('batch and time are swapped: the recurrence ran along the batch');
  expect(cause!.notExcluded).not.toContain('h_0 was ignored: h began from zeros');
});

test('where nothing fits it says where the difference begins, and nothing more', async () => {
  const one = await loaded('lstm-initial-state');
  // Every weight is another: a checkpoint of another epoch.
  const other = withWeights(one, (name, data) => {
    for (const [i, value] of data.entries()) data[i] = value + 0.05 * Math.sin(i + name.length);
  });
  const diagnosis = await diagnose(other);
  const { cause } = diagnosis;
  expect(cause!.kind).toBe('unexplained');
  expect(whereaboutsOf(cause)[0]).toMatchObject({ layer: 1, direction: 'forward', step: 0 });
  expect(cause!.tried.pairs).toBe(cause!.tried.ofPairs);
  const text = words(await formatDiagnosis({ label: 'other', ...diagnosis }));
  expect(text).toContain(
    `nothing fits: ${cause!.tried.singles} conventions were tried, and all 2468 pairs of them`,
  );
  expect(text).toContain('shows in layer 1, whose input is not in the case, at step 0 [batch 1, unit 3]');
  expect(text).toContain('its sum is off: i by -1.8, f by 0.34, g by -0.16, o by 0.57');
  expect(text).toContain('this share of the difference: g 88 %, i 84 %, o 70 %, f 46 %');
  expect(text).toContain('do check that weights and reference are of the same checkpoint');
  const document = await formatDiagnosis({ label: 'other', ...diagnosis }, { reporter: 'json' });
  const { whereabouts } = DIAGNOSIS_SCHEMA.parse(JSON.parse(document)).cause!;
  expect(whereabouts[0]).toMatchObject({
    layer: 1,
    step: 0,
    batch: 1,
    unit: 3,
    units: [0, 1, 2, 3],
    of_units: 4,
  });
  expect(whereabouts[0].gates.i).toBeCloseTo(-1.8127, 4);
});

test('16 bits in a float32 reference are a precision, not a fault', async () => {
  const one = await loaded('lstm-float16');
  const asFloat32 = ({ shape, data }: Tensor) => tensor(shape, data, 'F32');
  const tensors = [...one.tensors].map(([role, value]): [Role, Tensor] => [role, asFloat32(value)]);
  const wide = withWeights({ ...one, tensors: new Map(tensors) }, () => undefined);
  const { cause } = await diagnose(wide);
  expect(cause).toMatchObject({ kind: 'precision', profile: 'f16' });
});

test('the JSON document follows its schema, whether a case differs or not', async () => {
  const of = async (name: string) => {
    const { stdout, code } = await cli(['diagnose', `samples/${name}`, '--reporter', 'json']);
    return { ...DIAGNOSIS_SCHEMA.parse(JSON.parse(stdout)), code };
  };
  expect(await of('lstm')).toMatchObject({ verdict: 'parity', cause: null, code: 0 });
  const { cause, code } = await of('failing/lstm-swapped-gates');
  expect(code).toBe(1);
  expect(cause!.conventions).toHaveLength(1);
  expect(cause!.conventions[0].left).toBeLessThan(1e-6);
});

test('printed numbers are diagnosed within what their decimals allow', async () => {
  const folder = copySample('notebook-lstm');
  const file = path.join(folder, 'weights.json');
  const weights = JSON.parse(fs.readFileSync(file, 'utf8'));
  const [[i], [f], [g], [o]] = [0, 1, 2, 3].map((row) => [weights.weight_ih_l0[row]]);
  writeJson(file, { ...weights, weight_ih_l0: [i, o, f, g] });
  const { stdout, code } = await cli(['diagnose', folder]);
  expect(code).toBe(1);
  expect(words(stdout)).toContain('the row blocks of weight_ih alone are in the order i o f g (ONNX)');
});

test('one case at a time, and bad input is an error as anywhere', async () => {
  const many = await cli(['diagnose', 'samples']);
  expect(many.code).toBe(2);
  expect(many.stderr).toContain('one is diagnosed at a time');
  const none = await cli(['diagnose', scratch()]);
  expect(none.code).toBe(2);
  expect((await cli(['diagnose'])).code).toBe(2);
});

/** A case with one of its expected tensors changed. */
function withExpected(one: Case, role: Role, change: (data: Float64Array) => void): Case {
  const { shape, data, dtype } = one.tensors.get(role)!;
  const values = Float64Array.from(data);
  change(values);
  return { ...one, tensors: new Map([...one.tensors, [role, { shape, dtype, data: values }]]) };
}

test('a wrong weight below the last layer, or without every step, is no precision', async () => {
  const one = await loaded('lstm-initial-state');
  for (const by of [1.001, 1.01, 1.1, 2]) {
    const wrong = withWeights(one, (name, data) => {
      if (name === 'weight_hh_l0') data[7] *= by;
    });
    const { cause } = await diagnose(wrong);
    expect(cause?.kind, `${by}`).not.toBe('precision');
    expect(conventionsOf(cause)).toEqual([]);
    const { output: _, ...finals } = Object.fromEntries(wrong.tensors);
    const only = await diagnose({ ...wrong, tensors: new Map(Object.entries(finals) as [Role, Tensor][]) });
    expect(only.cause?.kind, `${by}`).not.toBe('precision');
  }
});

test('a value is only said to be changed where steps after it are right', async () => {
  const one = await loaded('gru-cell');
  const output = one.tensors.get('output')!;
  const [steps, batch, units] = output.shape;
  const at = (step: number) => step * batch * units + 1;
  const early = await diagnose(withExpected(one, 'output', (data) => data.set([data[at(2)] + 0.1], at(2))));
  expect(changedIn(early.cause)).toMatchObject([{ tensor: 'output', row: 2, batch: 0, unit: 1 }]);
  const late = await diagnose(withExpected(one, 'output', (data) => data.set([1], at(steps - 1))));
  expect(changedIn(late.cause)).toEqual([]);
  const twice = withExpected(one, 'output', (data) => {
    data[at(1)] += 0.1;
    data[at(3)] += 0.1;
  });
  expect(changedIn((await diagnose(twice)).cause)).toEqual([]);
});

test('a cause must give every tensor of the reference, those too that it says nothing of', async () => {
  const one = wrongly(await loaded('lstm-initial-state'), { layers: 'first only' });
  expect(conventionsOf((await diagnose(one)).cause)).toHaveLength(1);
  const sample = await loaded('lstm-initial-state');
  const both = { ...one, tensors: new Map([...one.tensors, ['h_n', sample.tensors.get('h_n')!] as const]) };
  expect(conventionsOf((await diagnose(both)).cause)).toHaveLength(1);
  const wrong = withExpected(both, 'h_n', (data) => data.set([1], 3));
  expect(conventionsOf((await diagnose(wrong)).cause)).toEqual([]);
});

test('NaN in the reference is named, and nothing is made of it', async () => {
  const one = await loaded('lstm-initial-state');
  const { cause } = await diagnose(
    withExpected(one, 'output', (data) => {
      for (let i = 12; i < data.length; i++) data[i] = Number.NaN;
    }),
  );
  expect(cause).toMatchObject({
    kind: 'not-finite',
    value: { tensor: 'output', row: 1, batch: 0, unit: 0 },
  });
});

test('a reference that ends at the longest of the lengths is diagnosed as a whole one', async () => {
  const one = await loaded('gru-lengths');
  const { network, sequence } = bind(describeModule(one.weights.specs, one.options), one, true);
  const { steps, batch } = sequence;
  const cut = steps - 1;
  const lengths = sequence.lengths!.map((length) => Math.min(length, cut));
  const { output } = predict(network, { ...sequence, lengths }, { order: 'zrn' });
  const units = output.length / steps / batch;
  const expected = tensor([cut, batch, units], Float32Array.from(output.subarray(0, cut * batch * units)));
  const input = tensor([steps, batch, network.module.input_size], Float32Array.from(sequence.input));
  const { cause } = await diagnose(
    caseOf(
      one.weights,
      { input, lengths: tensor([batch], lengths, 'I64'), output: expected },
      { module: 'GRU', batch_first: false },
    ),
  );
  expect(conventionsOf(cause).map(({ says }) => says.join())).toEqual([
    expect.stringContaining('in the order z r n (Keras, ONNX)'),
  ]);
});

test('zeros at the end of the reference ask for the lengths that the case lacks', async () => {
  const one = await loaded('gru-lengths');
  const { lengths: _, ...rest } = Object.fromEntries(one.tensors);
  const { cause } = await diagnose(caseOf(one.weights, rest, one.options));
  expect(conventionsOf(cause)[0].says).toEqual([
    'the reference ends early: its batch rows are zero from the steps 5, 9, 1, 7 on',
  ]);
});

test('states alone that differ are not laid to the weights', async () => {
  const one = await loaded('lstm-initial-state');
  const folder = copySample('lstm-initial-state');
  const object = ({ shape, data }: Tensor) => ({ dtype: 'F32', shape, data: [...data] });
  const of = (role: Role) => object(one.tensors.get(role)!);
  const c_n = of('c_n');
  writeJson(path.join(folder, 'expected.json'), {
    output: of('output'),
    h_n: of('h_n'),
    c_n: { ...c_n, data: c_n.data.map(Math.tanh) },
  });
  const file = path.join(folder, 'case.json');
  writeJson(file, { ...JSON.parse(fs.readFileSync(file, 'utf8')), expected: 'expected.json' });
  const { stdout } = await cli(['diagnose', folder]);
  expect(words(stdout)).toContain('the output agrees in every step, and only states that were collected');
});
