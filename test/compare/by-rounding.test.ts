import { expect, test } from 'vitest';
import {
  type AutoRule,
  firstFault,
  judgeByRounding,
  rowsToProve,
  withFaultyUnit,
} from '../../src/compare/by-rounding.js';
import { count } from '../../src/compare/element.js';
import { compareTensor } from '../../src/compare/tensor.js';
import { judgeOff, never, prediction, reference, rule, zeros } from './judge.js';

test('within 6 σ is rounding, beyond it is a fault, and proven beyond the bound', () => {
  const expected = [0, 6, 6.01, 100];
  const judged = judgeByRounding(
    reference(expected),
    prediction([0, 0, 0, 0], 1),
    rule(prediction([0, 0, 0, 0], 50)),
  );
  expect([...judged.faults]).toEqual([0, 0, 1, 1]);
  expect([...judged.sigmas]).toEqual(expected);
  expect(judged.counts).toEqual({ undecided: 0, proven: 1, rare: 0 });
  expect([...judgeByRounding(reference([1, 2]), prediction([0, 0], 1), never()).faults]).toEqual([0, 0]);
});

test('one of very many values beyond 6 σ is rare, and no fault; two are, and one that is far off or proven', () => {
  const zeros = new Array<number>(20_000).fill(0);
  const bounds = prediction(zeros, 50);
  const judged = (...far: number[]) =>
    judgeByRounding(reference([...far, ...zeros.slice(far.length)]), prediction(zeros, 1), rule(bounds));
  const faults = ({ faults: all }: ReturnType<typeof judged>) => all.reduce((sum, one) => sum + one, 0);
  expect(faults(judged(8.9))).toBe(0);
  expect(judged(8.9).counts).toEqual({ undecided: 0, proven: 0, rare: 1 });
  expect(faults(judged(9.1))).toBe(1);
  expect(faults(judged(6.1, 6.1))).toBe(2);
  const narrow = rule(prediction(zeros, 6));
  const proven = judgeByRounding(reference([6.1, ...zeros.slice(1)]), prediction(zeros, 1), narrow);
  expect(faults(proven)).toBe(1);
  const few = zeros.slice(0, 4000);
  const among = judgeByRounding(
    reference([6.1, ...few.slice(1)]),
    prediction(few, 1),
    rule(prediction(few, 50)),
  );
  expect(faults(among)).toBe(1);
});

test('without rounding values are equal or a fault; what is not finite is a fault where the prediction is finite', () => {
  const exact = prediction([0, 0], 0);
  expect([...judgeByRounding(reference([0, 1e-300]), exact, rule(exact)).faults]).toEqual([0, 1]);
  const finite = prediction([1, 1, 1], 1);
  const judged = judgeByRounding(reference([Number.NaN, Infinity, -Infinity]), finite, rule(finite));
  expect([...judged.faults]).toEqual([1, 1, 1]);
  expect([...judged.sigmas]).toEqual([Infinity, Infinity, Infinity]);
});

test('undecided elements are held against the tolerance, and only they', () => {
  const compared = reference([0, 100, 0.5]);
  const judged = judgeByRounding(compared, prediction([0, 0, 0], 1, [1, 2]), rule(prediction([0, 0, 0], 50)));
  expect(judged.counts.undecided).toBe(2);
  const caller = { kind: 'caller' } as const;
  const tolerance = { rtol: 0, atol: 1, source: { rtol: caller, atol: caller } };
  const { mismatches, rows, auto } = compareTensor(compared, Float64Array.of(9, 0, 0), tolerance, false, {
    ...judged,
    profile: 'generic',
    forced: true,
  });
  // The first is 9 from what was computed, which says nothing: it is what was predicted.
  expect(rows.map((row) => row.mismatches)).toEqual([0, 1, 0]);
  expect(mismatches).toBe(1);
  expect(rows.map(({ sigmas }) => sigmas)).toEqual([0, undefined, undefined]);
  expect(auto).toMatchObject({ undecided: 2, faults: 0, sigmas: 0 });
});

test('where errors are not independent a fault must be proven, and else is undecided', () => {
  const judged = judgeByRounding(
    reference([7, 100]),
    prediction([0, 0], 1),
    rule(prediction([0, 0], 50), true),
  );
  expect([...judged.faults]).toEqual([0, 1]);
  expect([...judged.undecided]).toEqual([1, 0]);
});

test('what is undecided in the worst case is never proven', () => {
  const judged = (proofNeeded: boolean) =>
    judgeByRounding(
      reference([7, 100]),
      prediction([0, 0], 1),
      rule(prediction([0, 0], 5, [1]), proofNeeded),
    );
  expect([...judged(false).faults]).toEqual([1, 1]);
  expect(judged(false).counts).toMatchObject({ proven: 1, undecided: 0 });
  expect([...judged(true).faults]).toEqual([1, 0]);
  expect(judged(true).counts).toMatchObject({ proven: 1, undecided: 1 });
});

test('of 5,000 values one may be rare, of a million two, and of fewer none', () => {
  for (const [length, allowed] of [
    [4_999, 0],
    [5_000, 1],
    [1_000_000, 2],
  ] as const) {
    const filled = (value: number) => new Float64Array(length).fill(value);
    const bounds = { values: filled(0), error: filled(50), undecided: new Uint8Array(length) };
    const judged = (far: number) =>
      judgeByRounding(
        { ...reference([]), rows: length, data: filled(0).fill(6.5, 0, far) },
        { ...bounds, error: filled(1) },
        rule(bounds),
      );
    const [few, more] = [judged(allowed), judged(allowed + 1)];
    expect(few.counts).toEqual({ undecided: 0, proven: 0, rare: allowed });
    expect(count(few.faults)).toBe(0);
    expect(more.counts.rare).toBe(0);
    expect(count(more.faults)).toBe(allowed + 1);
  }
});

test('a value is rare up to one and a half times the limit, and within its bound', () => {
  const rest = zeros(19_999);
  expect(judgeOff([9, ...rest]).counts).toEqual({ undecided: 0, proven: 0, rare: 1 });
  expect(judgeOff([9.1, ...rest]).counts).toEqual({ undecided: 0, proven: 0, rare: 0 });
  // Not far off by the standard deviation, and yet impossible.
  const impossible = judgeOff([6.5, ...rest], 1, { bounds: () => prediction([0, ...rest], 6) });
  expect(impossible.counts).toEqual({ undecided: 0, proven: 1, rare: 0 });
  expect(impossible.faults[0]).toBe(1);
});

test('beyond a bound no value is rare', () => {
  const judged = judgeOff([6.5, ...zeros(19_999)], 1, { unit: 'bounds' });
  expect(judged.counts.rare).toBe(0);
  expect(judged.faults[0]).toBe(1);
});

test('what is likely is never held against the bounds, be it beyond them', () => {
  const bounds = () => prediction([0, 0], 4);
  const judged = judgeOff([5, 7], 1, { bounds });
  expect([...judged.faults]).toEqual([0, 1]);
  expect(judged.counts.proven).toBe(1);
  const proving = judgeOff([3, 7, 7], 1, { proofNeeded: true });
  expect([...proving.sigmas]).toEqual([3, Number.NaN, Number.NaN]);
  expect([...proving.undecided]).toEqual([0, 1, 1]);
});

test('a value at its bound is possible', () => {
  expect(judgeOff([50]).counts.proven).toBe(0);
  expect(judgeOff([-50]).counts.proven).toBe(0);
  expect(judgeOff([50.1]).counts.proven).toBe(1);
});

test('a prediction stays as it is, and what it says of values beyond the reference does not count', () => {
  const predicted = prediction([0, 0, 0], 1, [2]);
  const judged = judgeByRounding(reference([7, 0]), predicted, rule(prediction([0, 0], 50), true));
  expect([...judged.undecided]).toEqual([1, 0]);
  expect(judged.counts.undecided).toBe(1);
  expect([...predicted.undecided]).toEqual([0, 0, 1]);
});

test('the first fault is the first in the order of the rows, where there is one', () => {
  const first = (...off: number[]) => firstFault(reference(off, 2), Float64Array.from(off), judgeOff(off, 2));
  expect(first(0, 0, 0, 0)).toBeUndefined();
  expect(first(7, 0, 0, 0)).toMatchObject({ row: 0, unit: 0, expected: 7 });
  expect(first(0, 0, 0, 8)).toMatchObject({ row: 1, unit: 1, expected: 8 });
});

test('bounds are computed only where they decide: for a proof, for a count, and for what may be rare', () => {
  const zeros = new Array<number>(20_000).fill(0);
  const judged = (far: readonly number[], other: Partial<AutoRule>) => {
    let asked = 0;
    const bounds = prediction(zeros, 50);
    const ask = () => {
      asked++;
      return bounds;
    };
    const counted = { ...rule(bounds), bounds: ask, areCounted: false, ...other };
    const data = [...far, ...zeros.slice(far.length)];
    const { counts } = judgeByRounding(reference(data), prediction(zeros, 1), counted);
    // What computes them asks for the rows before.
    expect(rowsToProve(reference(data), prediction(zeros, 1), counted)).toEqual(asked ? [0] : []);
    return { asked, ...counts };
  };
  expect(judged([100], {})).toMatchObject({ asked: 0, proven: 0, rare: 0 });
  expect(judged([9, 9], {})).toMatchObject({ asked: 0, rare: 0 });
  expect(judged([9.01], {})).toMatchObject({ asked: 0, rare: 0 });
  expect(judged([9], {})).toMatchObject({ asked: 1, rare: 1 });
  expect(judged([100], { proofNeeded: true })).toMatchObject({ asked: 1, proven: 1 });
  expect(judged([100], { areCounted: true })).toMatchObject({ asked: 1, proven: 1 });
});

test('bounds are asked for in the batch rows that have a fault', () => {
  const rows = (far: Readonly<Record<number, number>>, undecided: readonly number[] = []) => {
    // Three steps of four rows of two units.
    const data = zeros(24).map((_, i) => far[i] ?? 0);
    const compared = { ...reference(data, 2), rows: 3, batch: 4 };
    return rowsToProve(compared, prediction(zeros(24), 1, undecided), rule(prediction(zeros(24), 50)));
  };
  expect(rows({ 0: 6 })).toEqual([]);
  expect(rows({ 0: 6.01 })).toEqual([0]);
  expect(rows({ 5: 9, 23: 9, 12: -9, 13: 9, 21: 9 })).toEqual([2, 3]);
  expect(rows({ 5: 9, 23: 9 }, [5])).toEqual([3]);
});

test('a faulty unit: its values that show it most are faults, and its mean square leaves out what is exact', () => {
  const off = [1, 4, 1, 3, 1, 0, 1, 2, 9, 1];
  const before = judgeOff(off, 2);
  const expected = reference(off, 2);
  const { faults, units } = withFaultyUnit(before, expected, { unit: 1, weightSigmas: 7 });
  // 4, 3 and 2 of unit 1: 2 is half of the largest, and no more.
  expect([...faults]).toEqual([0, 1, 0, 1, 0, 0, 0, 0, 1, 0]);
  expect(units).toEqual([{ unit: 1, meanSquare: (16 + 9 + 4 + 1) / 4, weightSigmas: 7 }]);
});
