import { expect, test } from 'vitest';
import { exchangeIn, exchangeMemory, fail, ThreadFailure } from '../../src/threads/exchange.js';

test('a thread that fails ends the waiting of the others', () => {
  const memory = exchangeMemory('float64', 4);
  const exchange = exchangeIn(memory, 'float64', { index: 0, count: 2 }, 1);
  fail(memory);
  expect(() => exchange(Float64Array.of(1, 2), new Float64Array(4))).toThrow(ThreadFailure);
});

test.each(['float64', 'float32'] as const)('%s vectors are put together, turn after turn', (compute) => {
  const [size, batch] = [5, 2];
  const memory = exchangeMemory(compute, batch * size);
  const [one, two] = [0, 1].map((index) => exchangeIn(memory, compute, { index, count: 2 }, batch));
  const ArrayOf = compute === 'float64' ? Float64Array : Float32Array;
  for (let turn = 0; turn < 3; turn++) {
    // One thread that plays both: the second does not wait, because one arrival more is counted.
    Atomics.add(new Int32Array(memory), 0, 1);
    const own = (...values: readonly number[]) => ArrayOf.from(values.map((value) => value + turn));
    two(own(3, 4, 5, 30, 40, 50), new ArrayOf(batch * size));
    const whole = new ArrayOf(batch * size);
    one(own(1, 2, 10, 20), whole);
    expect(whole).toEqual(own(1, 2, 3, 4, 5, 10, 20, 30, 40, 50));
  }
});
