import fs from 'node:fs';
import { expect, test } from 'vitest';
import { type Comparison, diagnose, type Tensor, verify } from '../src/index.js';
import { caseFrom, GPU, type Made, madeWithWeight, read } from './gpu/references.js';

function judged(made: Made, options: Parameters<typeof verify>[1] = {}): Promise<Comparison> {
  return verify(caseFrom(made), options);
}

const names = fs.readdirSync(GPU).filter((name) => /^\d/.test(name));
const named = (precision: string) =>
  names.filter((name) => name.replace('-no-cudnn', '').includes(`-${precision}.`));

test('every reference has a test', () => {
  const precisions = ['float32', 'tf32', 'float16', 'bfloat16', 'autocast-float16', 'autocast-bfloat16'];
  expect(precisions.map((precision) => named(precision).length)).toEqual([67, 67, 48, 48, 24, 24]);
});

test.each(named('float32'))('%s is parity', async (name) => {
  const made = read(name);
  const { verdict, tensors } = await judged(made);
  expect(verdict).toBe('parity');
  // relu rounds nothing, and without cuDNN tanh is as good as on a CPU.
  const isExact = made.made.cudnn === 'off' || made.made.nonlinearity === 'relu';
  expect(tensors.map(({ auto }) => auto?.profile)).toEqual(
    tensors.map(() => (isExact ? 'generic' : 'cudnn')),
  );
});

test.each(named('tf32'))('%s is named, unless it is float32', async (name) => {
  const made = read(name);
  const { verdict, coarser } = await judged(made);
  // One input and one step of a zero state leave nothing to round.
  const isExact = made.tensors.input.data.length <= 2;
  expect({ verdict, coarser }).toEqual(
    isExact ? { verdict: 'parity' } : { verdict: 'differs', coarser: 'tf32' },
  );
  expect(await judged(made, { profile: 'tf32' })).toMatchObject({ verdict: 'parity' });
});

/** In an expanding module rounding grows until nothing is left of the state. */
const ILL_CONDITIONED = ['0285-rnn-autocast-float16-no-cudnn.safetensors'];

test.each([...named('float16'), ...named('bfloat16')])('%s is parity in its own dtype', async (name) => {
  const { verdict } = await judged(read(name));
  expect(verdict).toBe(ILL_CONDITIONED.includes(name) ? 'ill-conditioned' : 'parity');
});

test.each([1.01, 1.001])('a weight times %d differs in more than nine of ten', async (times) => {
  const found = await Promise.all(
    named('float32').map(async (name, i) => {
      const made = read(name);
      const at = (7 * i) % made.tensors.weight_ih_l0.data.length;
      const { verdict } = await judged(madeWithWeight(made, 'weight_ih_l0', at, times));
      return verdict === 'differs';
    }),
  );
  expect(found.filter((isFound) => isFound).length).toBeGreaterThan(0.9 * found.length);
});

/** In 16 bits no single value is beyond rounding: all steps of a unit show it together. */
test.each([
  ['0148-lstm-float16.safetensors', 'weight_ih_l0', 0],
  ['0176-lstm-autocast-float16.safetensors', 'weight_ih_l0', 280],
  ['0211-gru-bfloat16-no-cudnn.safetensors', 'weight_ih_l0', 92],
  ['0212-gru-autocast-float16.safetensors', 'weight_hh_l0', 623],
  ['0222-rnn-bfloat16.safetensors', 'weight_ih_l0', 20],
  ['0246-rnn-bfloat16.safetensors', 'weight_hh_l0', 64],
])('one weight of %s times 1.05 is found in all steps of its unit: %s at %d', async (name, tensor, at) => {
  const made = madeWithWeight(read(name), tensor, at, 1.05);
  const { comparison, cause } = await diagnose(caseFrom(made));
  expect(comparison.verdict).toBe('differs');
  const [{ auto }] = comparison.tensors;
  expect(auto!.sigmas).toBeLessThan(auto!.limit);
  const [rows, columns] = made.tensors[tensor].shape;
  const row = Math.floor(at / columns);
  const unit = row % made.tensors.output.shape[2];
  expect(row).toBeLessThan(rows);
  expect(auto!.units).toMatchObject([{ unit, weightSigmas: expect.any(Number) }]);
  expect(cause).toMatchObject({
    kind: 'weights',
    weights: [{ tensors: [tensor], row, column: at % columns }],
  });
});

/** The checkpoint with the blocks of its first two gates exchanged. */
function withGatesExchanged({ tensors, made }: Made, gates: number): Made {
  const exchanged = Object.entries(tensors).map(([name, one]): [string, Tensor] => {
    if (!/^(weight|bias)_/.test(name)) return [name, one];
    const block = one.data.length / gates;
    const data = one.data.slice();
    data.set(one.data.subarray(0, block), block);
    data.set(one.data.subarray(block, 2 * block), 0);
    return [name, { ...one, data }];
  });
  return { made, tensors: Object.fromEntries(exchanged) };
}

const gated = names.filter((name) => /-(lstm|gru)-/.test(name));

test.each(gated)('gates in another order are found, whatever %s was computed in', async (name) => {
  const isLstm = name.includes('-lstm-');
  const { comparison, cause } = await diagnose(caseFrom(withGatesExchanged(read(name), isLstm ? 4 : 3)));
  expect(comparison.verdict).toBe('differs');
  const order = isLstm ? 'f i g o' : 'z r n';
  expect(cause).toMatchObject({ kind: 'conventions' });
  const { conventions } = cause as Extract<typeof cause, { kind: 'conventions' }>;
  expect(conventions.map(({ says }) => says.join()).join('\n')).toContain(order);
});

test('one wrong weight of a layer is found in what a GPU computed in float32', async () => {
  const oneLayer = named('float32').filter((name) => !('weight_ih_l1' in read(name).tensors));
  const answers: boolean[] = [];
  for (const [i, name] of oneLayer.entries()) {
    const made = read(name);
    const [rows, columns] = made.tensors.weight_hh_l0.shape;
    const at = (7 * i) % (rows * columns);
    const { comparison, cause } = await diagnose(caseFrom(madeWithWeight(made, 'weight_hh_l0', at, 1.05)));
    // A state of zeros shows no weight of h.
    if (comparison.verdict === 'parity') continue;
    const weights = cause?.kind === 'weights' ? cause.weights : [];
    const isIt = ({ row, column }: (typeof weights)[number]) => row * columns + column! === at;
    answers.push(weights.some(isIt));
  }
  // One shows in a single value, and the change of another is as small as tanh.approx may be off.
  expect(answers.filter((isRight) => !isRight).length).toBeLessThanOrEqual(2);
  expect(answers.length).toBeGreaterThan(oneLayer.length / 2);
});
