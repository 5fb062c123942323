import { expect, test } from 'vitest';
import { exchangeIn, exchangeMemory, fail, ThreadFailure } from '../../src/threads/exchange.js';

test('a thread that fails ends the waiting of the others', () => {
  const memory = exchangeMemory('float64', 4);
  const exchange = exchangeIn(memory, 'float64', 2);
  fail(memory);
  expect(() => exchange(Float64Array.of(1, 2), 0, new Float64Array(4))).toThrow(ThreadFailure);
});

test.each(['float64', 'float32'] as const)('%s vectors are put together, turn after turn', (compute) => {
  // One thread that plays both: the second is always there first.
  const memory = exchangeMemory(compute, 5);
  const [one, two] = [exchangeIn(memory, compute, 1), exchangeIn(memory, compute, 1)];
  const ArrayOf = compute === 'float64' ? Float64Array : Float32Array;
  for (let turn = 0; turn < 3; turn++) {
    const whole = new ArrayOf(5);
    two(ArrayOf.of(10 + turn, 20 + turn), 3, new ArrayOf(5));
    one(ArrayOf.of(1 + turn, 2 + turn, 3 + turn), 0, whole);
    expect([...whole]).toEqual([1 + turn, 2 + turn, 3 + turn, 10 + turn, 20 + turn]);
  }
});
