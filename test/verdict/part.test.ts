import { expect, test } from 'vitest';
import { beginning, farthestRow } from '../../src/verdict/part.js';
import type { Run } from '../../src/verdict/run.js';
import { moduleOf } from '../engine/module.js';
import { networkOf, sequenceOf } from '../engine/random-network.js';
import { boundOf } from './bound.js';

const module = moduleOf('LSTM', { input_size: 2, hidden_size: 3, num_layers: 2 });
const network = networkOf(module, 1);
const [STEPS, LENGTHS] = [6, [4, 6, 5, 3]] as const;

async function runOf(batch: number, sigmas: (i: number) => number) {
  const states = Float64Array.from({ length: 2 * batch * 3 }, (_, i) => i / 50);
  const sequence = {
    ...sequenceOf(module, STEPS, batch, 1),
    h0: states,
    c0: states,
    lengths: LENGTHS.slice(0, batch),
  };
  const printed = { halfUnit: 0.1 };
  const asGiven = await boundOf(network, sequence, { output: printed, h_n: {}, c_n: {}, layers: [{}] });
  const tensors = [...asGiven.layerOutputs, ...asGiven.references].map((reference, t) => ({
    reference,
    judgement:
      t === 3 ? undefined : { sigmas: reference.data.map((_, i) => (t === 1 ? sigmas(i) : Number.NaN)) },
  }));
  return { asGiven, tensors: tensors as unknown as Run['tensors'] };
}

test('the farthest row has all of its values, and no others', async () => {
  const run = await runOf(4, (i) => (i === 2 * 12 + 7 ? 9 : i === 5 ? Number.NaN : 1));
  const { sequence, references, layerOutputs } = farthestRow(run)!;
  const { asGiven } = run;
  const row = 2;
  const rowOf = (values: ArrayLike<number>, inner: number) =>
    Array.from(values).filter((_, i) => Math.floor(i / inner) % 4 === row);
  expect(sequence).toMatchObject({ steps: STEPS, batch: 1, lengths: [5] });
  expect([...sequence.input]).toEqual(rowOf(asGiven.sequence.input, 2));
  expect([...sequence.h0!]).toEqual(rowOf(asGiven.sequence.h0!, 3));
  expect([...sequence.c0!]).toEqual(rowOf(asGiven.sequence.c0!, 3));
  const whole = [...asGiven.layerOutputs, ...asGiven.references];
  const parts = [...layerOutputs, ...references];
  expect(parts.map(({ name }) => name)).toEqual(['output_l0', 'output', 'h_n', 'c_n']);
  for (const [i, { batch, rows, data, axes, printed }] of parts.entries()) {
    expect(batch).toBe(1);
    expect(rows).toBe(whole[i].rows);
    expect([...data]).toEqual(rowOf(whole[i].data, 3));
    expect(axes.lengths).toEqual([5]);
    expect(printed?.halfUnits.length).toBe(i === 1 ? data.length : undefined);
  }
});

test('of few rows there is none', async () => {
  expect(farthestRow(await runOf(3, () => 1))).toBeUndefined();
  expect(farthestRow(await runOf(4, () => 1))?.sequence.lengths).toEqual([4]);
});

test('the beginning has sixteen steps of all rows, of the references that have steps', async () => {
  const long = sequenceOf(module, 65, 2, 1);
  const lengths = [65, 3];
  const stored = { output: { halfUnit: 0.1 }, h_n: {}, layers: [{}] };
  const boundCase = await boundOf(network, { ...long, lengths }, stored);
  const part = beginning(boundCase)!;
  expect(part.sequence).toMatchObject({ steps: 16, batch: 2 });
  expect([...part.sequence.input]).toEqual([...long.input.subarray(0, 16 * 2 * 2)]);
  expect(part.references.map(({ name, rows, data }) => [name, rows, data.length])).toEqual([
    ['output', 16, 16 * 2 * 3],
  ]);
  const [output] = part.references;
  expect([...output.data]).toEqual([...boundCase.references[0].data.subarray(0, 16 * 2 * 3)]);
  expect(output.printed).toMatchObject({ decimals: 3, halfUnits: { length: 16 * 2 * 3 } });
  expect(output.axes).toMatchObject({ layer: 1, directions: ['forward'], steps: 16, lengths: [16, 3] });
  expect(part.layerOutputs).toMatchObject([{ name: 'output_l0', rows: 16, printed: undefined }]);
  const short = await boundOf(network, sequenceOf(module, 64, 2, 1), { output: {} });
  expect(beginning(short)).toBeUndefined();
  expect(beginning(await boundOf(network, long, { h_n: {} }))).toBeUndefined();
  const both = networkOf(moduleOf('LSTM', { input_size: 2, hidden_size: 3, bidirectional: true }), 1);
  expect(beginning(await boundOf(both, sequenceOf(both.module, 65, 2, 1), { output: {} }))).toBeUndefined();
});
