import { expect, test } from 'vitest';
import { type AutoRule, judgeByRounding, type Prediction } from '../../src/compare/auto.js';
import { type Compared, compareTensor } from '../../src/compare/compare.js';

const reference = (data: readonly number[], units = 1): Compared => ({
  name: 'output',
  dtype: 'F32',
  rows: data.length / units,
  batch: 1,
  units,
  data: Float64Array.from(data),
});

const prediction = (
  values: readonly number[],
  error: number,
  undecided: readonly number[] = [],
): Prediction => ({
  values: Float64Array.from(values),
  error: Float64Array.from(values, () => error),
  undecided: Uint8Array.from(values, (_, i) => (undecided.includes(i) ? 1 : 0)),
});

const rule = (bounds: Prediction, proofNeeded = false): AutoRule => ({
  limit: 6,
  unit: 'sigmas',
  meanSquare: 4,
  proofNeeded,
  bounds: () => bounds,
});
const never = (): AutoRule => ({
  limit: 6,
  unit: 'sigmas',
  meanSquare: 4,
  proofNeeded: false,
  bounds: () => {
    throw new Error('no bounds are needed');
  },
});

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
  const few = zeros.slice(0, 9000);
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
  const tolerance = { rtol: 0, atol: 1, source: '', usual: true };
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

test('a unit that is two σ off at every step is a fault, one value of nine is none', () => {
  const steps = 9;
  const off = Array.from({ length: steps }, () => [2.1, 0.5]).flat();
  const judged = judgeByRounding(
    reference(off, 2),
    prediction(
      off.map(() => 0),
      1,
    ),
    never(),
  );
  expect(judged.units.map(({ unit }) => unit)).toEqual([0]);
  expect([...judged.faults]).toEqual(Array.from({ length: steps }, () => [1, 0]).flat());
  const one = [5.9, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1];
  expect(
    judgeByRounding(
      reference(one),
      prediction(
        one.map(() => 0),
        1,
      ),
      never(),
    ).units,
  ).toEqual([]);
  // Fewer values than that say nothing together.
  expect(
    judgeByRounding(reference(off.slice(0, 8), 2), prediction(Array(8).fill(0), 1), never()).units,
  ).toEqual([]);
});

test('where a fault must be proven, or errors are held against bounds, the spread of a unit says nothing', () => {
  const off = Array<number>(200).fill(3.5);
  const zeros = off.map(() => 0);
  const likely = rule(prediction(zeros, 50));
  expect(judgeByRounding(reference(off), prediction(zeros, 1), likely).units).toHaveLength(1);
  for (const other of [{ proofNeeded: true }, { unit: 'bounds' as const }]) {
    const judged = judgeByRounding(reference(off), prediction(zeros, 1), { ...likely, ...other });
    expect(judged).toMatchObject({ units: [], suspicious: [] });
    expect(judged.faults.includes(1)).toBe(false);
  }
});

test('a unit that is a little too far off is suspicious, which is no fault', () => {
  const off = Array.from({ length: 200 }, () => 1.4);
  const judged = judgeByRounding(
    reference(off),
    prediction(
      off.map(() => 0),
      1,
    ),
    never(),
  );
  expect(judged.suspicious).toHaveLength(1);
  expect(judged.faults.includes(1)).toBe(false);
});
