import { describe, expect, test } from 'vitest';
import { judgeByRounding } from '../../src/compare/by-rounding.js';
import { judgeOff, never, prediction, reference, zeros } from './judge.js';

test('a unit that is two σ off at every step is a fault, one value of nine is none', () => {
  const steps = 9;
  const off = Array.from({ length: steps }, () => [2.1, 0.5]).flat();
  const judged = judgeOff(off, 2);
  expect(judged.units.map(({ unit }) => unit)).toEqual([0]);
  expect([...judged.faults]).toEqual(Array.from({ length: steps }, () => [1, 0]).flat());
  expect(judgeOff([5.9, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]).units).toEqual([]);
  // Fewer values than that say nothing together.
  expect(judgeOff(off.slice(0, 8), 2).units).toEqual([]);
});

test('where a fault must be proven, or errors are held against bounds, the spread of a unit says nothing', () => {
  const off = Array<number>(200).fill(3.5);
  expect(judgeOff(off).units).toHaveLength(1);
  for (const other of [{ proofNeeded: true }, { unit: 'bounds' as const }]) {
    const judged = judgeOff(off, 1, other);
    expect(judged).toMatchObject({ units: [], suspicious: [] });
    expect(judged.faults.includes(1)).toBe(false);
  }
});

test('a unit that is a little too far off is suspicious, which is no fault', () => {
  const judged = judgeOff(Array<number>(200).fill(1.4));
  expect(judged.suspicious).toHaveLength(1);
  expect(judged.faults.includes(1)).toBe(false);
});

describe('the mean square of a unit', () => {
  const repeat = (count: number, value: number) => new Array<number>(count).fill(value);

  test('at the limit is suspicious, beyond it a fault, and never both', () => {
    const at = judgeOff(repeat(200, 2));
    expect(at).toMatchObject({ units: [], suspicious: [{ unit: 0, meanSquare: 4 }] });
    expect(at.faults.includes(1)).toBe(false);
    const beyond = judgeOff([...repeat(199, 2), 2.5]);
    expect(beyond).toMatchObject({ units: [{ unit: 0 }], suspicious: [] });
  });

  test('is usual up to 1 + 4·√(2/values)', () => {
    // Of 32 values that is 2.
    expect(judgeOff([...repeat(28, 1), ...repeat(4, 3)]).suspicious).toEqual([]);
    expect(judgeOff([...repeat(27, 1), ...repeat(5, 3)]).suspicious).toMatchObject([{ meanSquare: 2.25 }]);
    expect(judgeOff(repeat(32, 1)).suspicious).toEqual([]);
    expect(judgeOff(repeat(32, 0.5)).suspicious).toEqual([]);
  });

  test('makes faults of those values alone that are farther off than its root', () => {
    const { faults } = judgeOff([2, 1.9, ...repeat(8, 2.1)]);
    expect([...faults]).toEqual([0, 0, ...repeat(8, 1)]);
  });

  test('leaves out what is exact, as padding is, and what is undecided', () => {
    expect(judgeOff([...repeat(9, 2.1), ...zeros(20)]).units).toMatchObject([{ unit: 0 }]);
    expect(judgeOff([...repeat(8, 2.1), ...zeros(20)]).units).toEqual([]);
    const off = [...repeat(9, 2.1), 0.1];
    const undecided = judgeByRounding(reference(off), prediction(zeros(10), 1, [9]), never());
    expect(undecided.units).toMatchObject([{ unit: 0 }]);
  });

  test('is not asked for where one of its values is a fault already', () => {
    const { units, faults } = judgeOff([...repeat(9, 2.1), 7]);
    expect(units).toEqual([]);
    expect([...faults]).toEqual([...zeros(9), 1]);
  });

  test('of a last state, whose rows are layers, says nothing', () => {
    const off = repeat(20, 3);
    for (const name of ['h_n', 'c_n'] as const) {
      const judged = judgeByRounding({ ...reference(off), name }, prediction(zeros(20), 1), never());
      expect(judged).toMatchObject({ units: [], suspicious: [] });
    }
    const below = { ...reference(off), name: 'output_l0' as const };
    expect(judgeByRounding(below, prediction(zeros(20), 1), never()).units).toHaveLength(1);
  });
});
