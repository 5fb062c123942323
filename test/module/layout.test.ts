import { expect, test } from 'vitest';
import { caseOf, forward, stateDict, type Tensor, tensor, verify } from '../../src/index.js';

const weights = stateDict({ weight_ih_l0: tensor([1, 1], [0.5]), weight_hh_l0: tensor([1, 1], [0.25]) });
const filled = (...shape: number[]) =>
  tensor(shape, new Float32Array(shape.reduce((a, b) => a * b)).fill(0.5));
const input = filled(2, 3, 1);
const shapeOf = async (h_0?: Tensor, batch_first?: boolean) =>
  (await forward(weights, { input, h_0 }, { batch_first })).h_n.shape;

test('batch_first is read off the shapes where it is not said, and is false where they fit both', async () => {
  expect(await shapeOf()).toEqual([1, 3, 1]);
  expect(await shapeOf(filled(1, 3, 1))).toEqual([1, 3, 1]);
  expect(await shapeOf(filled(1, 2, 1))).toEqual([1, 2, 1]);
});

test('where the shapes fit neither reading they are held against batch_first false', async () => {
  await expect(shapeOf(filled(1, 4, 1))).rejects.toThrow(
    'h_0: found [1, 4, 1], expected [num_layers, B, hidden_size] = [1, 3, 1]',
  );
});

test('batch_first is never taken otherwise than it is said', async () => {
  expect(await shapeOf(filled(1, 3, 1), false)).toEqual([1, 3, 1]);
  expect(await shapeOf(filled(1, 2, 1), true)).toEqual([1, 2, 1]);
  await expect(shapeOf(filled(1, 2, 1), false)).rejects.toThrow('fits the other reading: try --batch-first');
  await expect(shapeOf(filled(1, 3, 1), true)).rejects.toThrow(
    'fits the other reading: try --no-batch-first',
  );
});

test('an output may end at the longest of the lengths, and nowhere else', async () => {
  const sequence = filled(4, 2, 1);
  const run = (steps: number, longest?: number) => {
    const lengths = longest === undefined ? undefined : tensor([2], [longest, 1], 'I64');
    return verify(caseOf(weights, { input: sequence, lengths, output: filled(steps, 2, 1) }));
  };
  for (const [steps, longest] of [[4], [4, 4], [4, 2], [2, 2]]) {
    const { tensors } = await run(steps, longest);
    expect(tensors).toMatchObject([{ elements: 2 * steps }]);
  }
  for (const longest of [undefined, 4]) {
    for (const steps of [0, 2, 3, 5]) {
      await expect(run(steps, longest)).rejects.toThrow(
        `output: found [${steps}, 2, 1], expected [T, B, hidden_size] = [4, 2, 1]`,
      );
    }
  }
  for (const steps of [0, 1, 3, 5]) {
    await expect(run(steps, 2)).rejects.toThrow(
      `output: found [${steps}, 2, 1], expected [T, B, hidden_size] = [4 or 2, 2, 1]`,
    );
  }
});
