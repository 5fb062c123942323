import type { Sequence } from '../../module/bind.js';
import { valuesOfUnit } from '../../one-weight/sensitivity.js';
import type { Floats } from '../../tensor/dtype.js';
import type { Reference } from '../../tensor/reference.js';
import { dropEvery } from './hypotheses.js';
import { firstOf, type Hypothesis } from './hypothesis.js';
import type { Target } from './misfit.js';
import { AFTER } from './variant-outputs.js';

/** Hypotheses whose numbers are read off the reference: orders of rows and units, a factor, and steps without a state. */
export function readOff(target: Target): Hypothesis[] {
  const { boundCase, base, allowances } = target;
  const at = boundCase.references.findIndex(({ name }) => name === 'output');
  if (at < 0) return finalOrder(target);
  const output = boundCase.references[at];
  const allowed = allowances[at].largest;
  const computed = base.output.subarray(0, output.data.length);
  return [
    ...rowOrder(output, computed, allowed),
    ...unitOrder(output, computed, allowed),
    ...scale(output, computed),
    ...affine(output, computed),
    ...byUnit(output, computed, boundCase.sequence),
    ...(boundCase.network.module.bidirectional ? [] : firstDropped(output, computed, allowed)),
    ...finalOrder(target),
  ];
}

/** A view of a tensor as lists that may stand in another order. */
interface Lists {
  /** How many lists there are, and how many values each has. */
  readonly count: number;
  readonly size: number;
  readonly index: (list: number, i: number) => number;
}

/**
 * The computed list that each list of the reference is; undefined where one is none of them, or all are in their own
 * places.
 */
function orderOf(expected: Floats, computed: Floats, lists: Lists, allowed: number): number[] | undefined {
  const { count, size, index } = lists;
  const isSame = (to: number, from: number) => {
    for (let i = 0; i < size; i++)
      if (!(Math.abs(expected[index(to, i)] - computed[index(from, i)]) <= allowed)) return false;
    return true;
  };
  const order: number[] = [];
  for (let to = 0; to < count; to++) {
    let from = isSame(to, to) ? to : 0;
    while (from < count && !isSame(to, from)) from++;
    if (from === count) return undefined;
    order.push(from);
  }
  return order.some((from, to) => from !== to) ? order : undefined;
}

/** More than this many numbers are not listed. */
const MAX_LISTED = 12;

function rowOrder({ data, batch, units, rows }: Reference, computed: Floats, allowed: number): Hypothesis[] {
  const index = (row: number, i: number) => (Math.floor(i / units) * batch + row) * units + (i % units);
  const order = orderOf(data, computed, { count: batch, size: rows * units, index }, allowed);
  if (!order) return [];
  const isOne = order.every((from) => from === order[0]);
  return [
    {
      name: 'batch order',
      change: { batchOrder: order },
      says: isOne
        ? `every batch row is row ${order[0]}`
        : `the batch rows are in another order: ${firstOf(order, MAX_LISTED)}`,
      remedy: isOne ? 'look at how rows are addressed in memory' : 'undo the sorting of the batch',
      alone: true,
    },
  ];
}

function unitOrder({ data, units }: Reference, computed: Floats, allowed: number): Hypothesis[] {
  const index = (unit: number, i: number) => i * units + unit;
  const order = orderOf(data, computed, { count: units, size: data.length / units, index }, allowed);
  if (!order) return [];
  const moved = order.flatMap((from, to) => (from === to ? [] : [to]));
  return [
    {
      name: 'unit order',
      change: { unitOrder: order },
      says:
        moved.length === 2
          ? `units ${moved[0]} and ${moved[1]} of the output are swapped`
          : `the units of the output are in another order: ${firstOf(order, MAX_LISTED)}`,
      remedy: 'put the units into the order of the rows of the weights',
      alone: true,
    },
  ];
}

/** What is left of the output besides a multiple of what is computed, at most. */
const MOST_LEFT = 1e-2;
const UNSCALED = 1e-3;

/** The factor of the straight line nearest to (computed, expected), about their means. */
function nearestLine(expected: Floats, computed: Floats, [meanOut, meanIn]: readonly [number, number]) {
  let [products, squares, all] = [0, 0, 0];
  for (let i = 0; i < expected.length; i++) {
    products += (expected[i] - meanOut) * (computed[i] - meanIn);
    squares += (computed[i] - meanIn) ** 2;
    all += (expected[i] - meanOut) ** 2;
  }
  const factor = products / squares;
  return { factor, all, left: Math.sqrt(Math.max(0, all - factor * products) / all) };
}

function scale({ data }: Reference, computed: Floats): Hypothesis[] {
  const { factor, left } = nearestLine(data, computed, [0, 0]);
  if (!(left <= MOST_LEFT) || Math.abs(factor - 1) < UNSCALED) return [];
  const isWhole = factor > 0 && data.every((value) => Number.isInteger(value));
  // What was rounded was multiplied by a power of two, or by its predecessor.
  const factors = isWhole
    ? [2 ** Math.round(Math.log2(factor)), 2 ** Math.round(Math.log2(factor)) - 1]
    : [factor];
  const ways = isWhole ? (['rounded', 'truncated'] as const) : [undefined];
  return factors.flatMap((exact) =>
    ways.map(
      (whole): Hypothesis => ({
        name: `output scale ${exact} ${whole ?? ''}`,
        change: { outputScale: { factor: exact, whole } },
        says: `the output is multiplied by ${Number(exact.toPrecision(6))}${whole ? `, and ${whole} to whole numbers` : ''}`,
        remedy: `divide the output by ${Number(exact.toPrecision(6))} (a scale of fixed-point numbers or samples?)`,
        alone: true,
      }),
    ),
  );
}

/** Two numbers fit anything that has fewer values than this. */
const FEWEST_VALUES = 24;

function affine({ data }: Reference, computed: Floats): Hypothesis[] {
  const count = data.length;
  const mean = (values: Floats) => [...values].reduce((a, b) => a + b, 0) / count;
  const [meanOut, meanIn] = [mean(data), mean(computed)];
  const { factor, all, left } = nearestLine(data, computed, [meanOut, meanIn]);
  const shift = meanOut - factor * meanIn;
  const isShifted = Math.abs(shift) > UNSCALED * Math.sqrt(all / count);
  if (count < FEWEST_VALUES || !(left <= MOST_LEFT) || !isShifted) return [];
  const shown = (value: number) => String(Number(value.toPrecision(6)));
  return [
    {
      name: 'output affine',
      change: { outputScale: { factor, shift } },
      says: `the output is ${shown(factor)} y ${shift < 0 ? '−' : '+'} ${shown(Math.abs(shift))}, where y is the module's own`,
      remedy: 'take the output before it is scaled and shifted',
      alone: true,
    },
  ];
}

/** Fewer values of a unit would be on any line. */
const FEWEST_OF_UNIT = 8;

/** Each unit on a line of its own, as a BatchNorm has it; after the values of a step are normalised, a LayerNorm. */
function byUnit({ data, units }: Reference, computed: Floats, sequence: Sequence): Hypothesis[] {
  const count = data.length / units;
  if (count < FEWEST_OF_UNIT || sequence.steps < 2 || sequence.lengths || units < 2) return [];
  return ([undefined, 'layer norm'] as const).flatMap((after): Hypothesis[] => {
    const from = after ? AFTER[after](computed, units, sequence) : computed;
    const lines = Array.from({ length: units }, (_, unit) => {
      const [y, x] = [valuesOfUnit(data, units, unit), valuesOfUnit(from, units, unit)];
      const [meanY, meanX] = [y, x].map((values) => values.reduce((a, b) => a + b, 0) / count);
      const { factor, all, left } = nearestLine(y, x, [meanY, meanX]);
      return { factor, shift: meanY - factor * meanX, all, left };
    });
    const total = lines.reduce((sum, { all }) => sum + all, 0);
    const left = Math.sqrt(lines.reduce((sum, one) => sum + one.left ** 2 * one.all, 0) / total);
    const [{ factor, shift }] = lines;
    const isAlike = lines.every(
      (one) => Math.abs(one.factor - factor) < UNSCALED && Math.abs(one.shift - shift) < UNSCALED,
    );
    const moved = lines.filter(
      (one) => Math.abs(one.factor - 1) > UNSCALED || Math.abs(one.shift) > UNSCALED,
    );
    // The same line for all units is another hypothesis, and a line of a few of them another fault.
    if (!(left <= MOST_LEFT) || isAlike || moved.length <= units / 2) return [];
    return [
      {
        name: `units scaled${after ? ` after ${after}` : ''}`,
        change: { after, unitScale: lines.map((line) => [line.factor, line.shift]) },
        says: after
          ? 'the output goes through a LayerNorm with weights'
          : 'each unit of the output is scaled and shifted by numbers of its own, as a BatchNorm does',
        remedy: 'take the output before that, or compare with the outputs of what the module is in',
        alone: true,
      },
    ];
  });
}

/** The orders of final states, read off h_n. */
function finalOrder({ boundCase, base, allowances }: Target): Hypothesis[] {
  const at = boundCase.references.findIndex(({ name }) => name === 'h_n');
  if (at < 0 || !base.h_n) return [];
  const { data, rows, batch, units } = boundCase.references[at];
  const index = (row: number, i: number) => row * units + i;
  const order = orderOf(data, base.h_n, { count: rows * batch, size: units, index }, allowances[at].largest);
  if (!order) return [];
  const states = order.map((from) => Math.floor(from / batch));
  const inBatch = order.map((from) => from % batch);
  const keepsStates = states.every((from, to) => from === Math.floor(to / batch));
  const asRows = inBatch.slice(0, batch);
  const keepsRows = inBatch.every((from, to) => from === to % batch);
  const isTransposed = order.every((from, to) => from === (to % rows) * batch + Math.floor(to / rows));
  const isBack = order.every((from, to) => from === (to % batch) * rows + Math.floor(to / batch));
  const says =
    keepsStates && inBatch.every((from, to) => from === asRows[to % batch])
      ? `the batch rows of h_n are in another order: ${firstOf(asRows, MAX_LISTED)}`
      : keepsRows
        ? `the layers and directions of h_n are in another order: ${firstOf(
            states.filter((_, to) => to % batch === 0),
            MAX_LISTED,
          )}`
        : isTransposed || isBack
          ? 'h_n was reshaped where layers·directions and batch should have been transposed'
          : 'layers, directions and batch rows of h_n are mixed up';
  return [
    {
      name: 'final order',
      change: { finalOrder: order },
      says,
      remedy:
        'h_n and c_n are [layers · directions, batch, hidden]: permute the axes, and undo the sorting of the batch',
      alone: true,
    },
  ];
}

/** The first step of the output that differs may be the first whose state was dropped. */
function firstDropped(
  { data, batch, units, rows }: Reference,
  computed: Floats,
  allowed: number,
): Hypothesis[] {
  const first = data.findIndex((value, i) => !(Math.abs(value - computed[i]) <= allowed));
  const every = Math.floor(first / (batch * units));
  return every < 2 || every >= rows ? [] : [dropEvery(every, rows)];
}
