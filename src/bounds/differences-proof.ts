import { DIFFERENCE_NAMES, type Differences, type Kernels } from '../engine/kernels/kernels.js';
import { numbers } from '../engine/kernels/proof.js';
import type { Floats } from '../tensor/dtype.js';

// A size that leaves a remainder in every loop.
const COUNT = 7;
const ROWS = 2;
const CLOSENESS = { rtol: 0.25, atol: 0.25, margin: 2 ** -40 };
/** Relative: kernels divide only where that gives more, and rounding may hide it. */
const ALLOWED = 1e-15;

/** Whether kernels take the differences of two steps as plain arithmetic does. */
export function differencesAlike(kernels: Kernels): boolean {
  const { screen, buffers, singles } = kernels.workspace(
    {},
    { reference: ROWS * COUNT, h: COUNT, told: ROWS * DIFFERENCE_NAMES.length },
    { before: ROWS * COUNT, after: ROWS * COUNT, last: COUNT },
  );
  if (!screen) return false;
  const { reference, h, told } = buffers;
  const { before, after, last } = singles;
  reference.set(numbers(ROWS * COUNT, 1));
  h.set(numbers(COUNT, 2));
  last.set(numbers(COUNT, 3));
  // Nothing of nothing in the first row, something of nothing in the second.
  reference[1] = 0;
  h[1] = 0;
  reference[COUNT + 2] = 0;
  told.fill(0);
  const isRight = (row: number) => {
    const ofRow = (values: Floats) => values.subarray(row * COUNT, (row + 1) * COUNT);
    const earlier = last.slice();
    const step = { reference, h, before, after, last, told, at: row * COUNT, count: COUNT };
    screen.differences(step, CLOSENESS, row);
    const differences = ofRow(reference).map((value, i) => value - h[i]);
    return (
      ofRow(before).every((value, i) => value === earlier[i]) &&
      [ofRow(after), last].every((all) => all.every((value, i) => value === Math.fround(differences[i]))) &&
      areTold(told.subarray(row * DIFFERENCE_NAMES.length), ofRow(reference), differences)
    );
  };
  return isRight(0) && isRight(1);
}

function areTold(told: Floats, reference: Floats, differences: Floats): boolean {
  const { rtol, atol, margin } = CLOSENESS;
  const sizes = [...reference].map(Math.abs);
  const distances = [...differences].map(Math.abs);
  const others = sizes.filter((size) => size > 0);
  const expected: Record<keyof Differences, number> = {
    largest: Math.max(...distances),
    relative: Math.max(...distances.map((distance, i) => (distance > 0 ? distance / sizes[i] : 0))),
    needed: Math.max(
      0,
      ...distances.map((distance, i) => (1 + margin) * distance - (1 - margin) * rtol * sizes[i]),
    ),
    nonzero: others.length,
    nearZero: others.filter((size) => size <= atol + rtol * size).length,
  };
  return DIFFERENCE_NAMES.every(
    (name, i) => told[i] === expected[name] || Math.abs(told[i] / expected[name] - 1) <= ALLOWED,
  );
}
