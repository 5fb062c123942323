import { carriesCell, KINDS } from '../kinds.js';
import { outputSize } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';
import {
  DIFFERENCE_NAMES,
  DIFFERENCES,
  type DifferenceStep,
  type ScreenStep,
  type Workspace,
} from './kernels/kernels.js';
import { type LayerRun, rowsThatContinue } from './layer-run.js';
import type { ExpectedOutput } from './screen.js';
import { type Doubles, roundedUp, SAMPLES, type Singles } from './screen-buffers.js';

/** Follows a layer through time, chunk by chunk. */
interface Screener {
  /** After W_ih x of a chunk of `count` steps from step `first` on. */
  readonly begin: (gates: Floats, first: number, count: number) => void;
  /** After W_hh h of a step, before its cell. */
  readonly before: (inChunk: number, rows: number) => void;
  /** After h of a step. */
  readonly after: (inChunk: number, rows: number) => void;
  /** After the last step of the chunk. */
  readonly finish: (first: number, count: number) => void;
}

/**
 * From this variance on, in the units of `ScreenTerms`, the errors of a layer that runs free are sampled: the recursion of
 * variances grows although a network contracts, because it knows no correlations.
 */
const GROWN = 2 ** 14;

/** The screening of a layer, for the units from … to − 1; undefined where none is asked for, or the kernels have none. */
export function screenerOf(
  run: LayerRun,
  {
    products,
    screen,
    buffers,
    singles,
  }: Workspace<'x' | 'hidden' | 'h' | 'c' | keyof Doubles, keyof Singles>,
  from: number,
  to: number,
): Screener | undefined {
  const { module, batch, reverse, rowsAt, width, outputAt, input_size, share, screening } = run;
  if (!screening) return undefined;
  const { terms, perSquare, expected, limit, inputVariances, outputVariances, found, status } = screening;
  if (!screen) {
    status.isTold = false;
    return undefined;
  }
  const { hidden_size, kind } = module;
  const units = to - from;
  const gates = KINDS[kind].gates.length;
  const columns = gates * units;
  const size = outputSize(module);
  const hasCell = carriesCell(kind);
  const { sumsX, sumsH, dSums, vX, vH, operandX, operandH, before, dBefore, dAfter, cBefore, carried } =
    singles;
  const { dh, hV, dc, cV } = singles;
  for (const buffer of [dSums, dBefore, dAfter, carried, hV, dc, cV, buffers.squares, buffers.counts])
    buffer.fill(0);
  for (let gate = 0; gate < gates; gate++) {
    const start = gate * hidden_size;
    singles.biasesV.set(screening.biases.subarray(start + from, start + to), gate * units);
  }
  const step = {
    rows: batch,
    units,
    gatesAt: 0,
    vHAt: 0,
    beforeAt: 0,
    cAt: 0,
    stride: size,
    nonlinearity: module.nonlinearity,
    ...singles,
    c: cBefore,
  } satisfies ScreenStep;
  const difference = {
    ...{ reference: buffers.reference, h: buffers.h, at: 0, count: 0, told: buffers.differences },
    ...{ before: dBefore, after: dAfter, last: carried },
  } satisfies DifferenceStep;
  const kernel = screen.step[kind];

  // Then a chunk is copied at once, which is faster than row by row.
  const areAllInOrder =
    size === width && batch === expected?.batch && screening.rows.every((row, i) => row === i);
  const storeReference = (first: number, count: number, { values, batch: ofAll }: ExpectedOutput) => {
    if (areAllInOrder) {
      buffers.reference.set(values.subarray(first * batch * size, (first + count) * batch * size));
      return;
    }
    for (let inChunk = 0; inChunk < count; inChunk++) {
      const t = first + inChunk;
      for (let row = 0; row < rowsAt(t); row++) {
        const source = (t * ofAll + screening.rows[row]) * width + outputAt;
        buffers.reference.set(values.subarray(source, source + size), (inChunk * batch + row) * size);
      }
    }
  };
  const sample = {
    step,
    count: SAMPLES,
    sums: singles.sampledSums,
    h: singles.sampledH,
    c: singles.sampledC,
    ids: singles.ids,
    place: 0,
  };
  if (singles.ids.length) singles.ids.set(screening.rows);
  // By row, so that none depends on others.
  const isSampled = new Uint8Array(batch);
  const beginSamples = (row: number) => {
    isSampled[row] = 1;
    const draw = (values: Float32Array, variances: Float32Array) => {
      for (let run = 0; run < SAMPLES; run++)
        for (let unit = 0; unit < units; unit++) {
          const place = Math.imul(run + 1, 0x2545f491) + Math.imul(singles.ids[row] + 1, 0x3504f333) + unit;
          const deviation = Math.sqrt(variances[row * units + unit]) / terms.perUnit;
          values[(run * batch + row) * units + unit] = uniform(place) * deviation;
        }
    };
    draw(sample.h, hV);
    if (hasCell) draw(sample.c, cV);
  };
  /** Replaces variances by those of samples, after the screening cell has computed the gates of a step. */
  const sampleStep = (t: number) => {
    if (!sample.h.length) return;
    if (isSampled.includes(1)) {
      products.difference(sample.sums, sample.h, SAMPLES * batch);
      sample.place = Math.imul(t + 1, 0x9e3779b1);
      screen.sample[kind](sample, terms);
    }
    for (let row = 0; row < batch; row++) {
      if (isSampled[row]) {
        pool(sample.h, hV, row, units, terms.perUnit);
        if (hasCell) pool(sample.c, cV, row, units, terms.perUnit);
      } else if (isBeyond(hV, row * units, units, GROWN)) beginSamples(row);
    }
  };
  const carryVariances = (t: number, rows: number) => {
    // Threads that divide the units need the variances of each other's.
    if (share) share.exchange(hV, carried);
    else carried.set(hV);
    if (!outputVariances) return;
    for (let row = 0; row < rows; row++) {
      const target = (t * batch + row) * width + outputAt;
      for (let k = 0; k < size; k++) outputVariances[target + k] = carried[row * size + k];
    }
  };
  const storeDifferences = (first: number, count: number) => {
    const { length } = DIFFERENCE_NAMES;
    const told = buffers.differences;
    for (const [i, name] of DIFFERENCE_NAMES.entries()) {
      const [ofSteps, join] = [found.differences[name], DIFFERENCES[name]];
      for (let inChunk = 0, t = first; inChunk < count; inChunk++, t++)
        ofSteps[t] = join(ofSteps[t], told[inChunk * length + i]);
    }
  };
  const storeFinalRows = (t: number, rows: number) => {
    for (let row = rowsThatContinue(run, t, rows); row < rows; row++) {
      const own = row * units;
      const sums = row * roundedUp(units);
      const target = row * width + outputAt + from;
      found.squares.set(buffers.squares.subarray(sums, sums + units), target);
      found.counts.set(buffers.counts.subarray(sums, sums + units), target);
      found.dh.set(dh.subarray(own, own + units), row * size + from);
      found.hV.set(hV.subarray(own, own + units), row * size + from);
      if (!hasCell) continue;
      found.dc.set(dc.subarray(own, own + units), row * hidden_size + from);
      found.cV.set(cV.subarray(own, own + units), row * hidden_size + from);
    }
  };

  return {
    begin: (sums, first, count) => {
      screen.narrow(sumsX, 0, sums, count * batch * columns);
      if (!expected) return;
      storeReference(first, count, expected);
      buffers.differences.fill(0);
    },
    before: (inChunk, rows) => {
      const row = inChunk * batch;
      screen.narrow(sumsH, row * columns, buffers.hidden, rows * columns);
      screen.narrow(before, row * size, buffers.h, rows * size);
      if (hasCell) screen.narrow(cBefore, row * units, buffers.c, rows * units);
    },
    after: (inChunk, rows) => {
      if (!expected) return;
      difference.at = inChunk * batch * size;
      difference.count = rows * size;
      screen.differences(difference, expected.closeness, inChunk);
    },
    finish: (first, count) => {
      // Threads that exchange variances must go on together.
      if (!status.isTold && !(share && !expected)) return;
      if (expected) storeDifferences(first, count);
      const rows = count * batch;
      const start = first * batch * input_size;
      screen.narrow(operandX, 0, buffers.x, rows * input_size);
      screen.squares(operandX, operandX, 0, rows * input_size, perSquare);
      if (inputVariances) addTo(operandX, inputVariances.subarray(start), 0, rows * input_size);
      products.varianceX(vX, operandX, rows);
      const inOrder = Array.from({ length: count }, (_, i) => (reverse ? count - 1 - i : i));
      if (expected) {
        screen.squares(operandH, before, 0, rows * size, perSquare);
        products.varianceH(vH, operandH, rows);
        products.difference(dSums, dBefore, rows);
      }
      for (const inChunk of inOrder) {
        const t = first + inChunk;
        step.rows = rowsAt(t);
        step.gatesAt = inChunk * batch * columns;
        step.beforeAt = inChunk * batch * size + from;
        step.cAt = inChunk * batch * units;
        if (expected) {
          step.vHAt = step.gatesAt;
          hV.fill(0);
        } else {
          screen.squares(operandH, before, inChunk * batch * size, step.rows * size, perSquare);
          for (let row = 0; row < step.rows; row++)
            if (!isSampled[row]) addTo(operandH, carried, row * size, size);
          products.varianceH(vH, operandH, step.rows);
        }
        if (kernel(step, terms)) status.isTold = false;
        if (expected) {
          const largest = screen.deviations(
            step,
            terms,
            dAfter,
            step.beforeAt,
            buffers.squares,
            buffers.counts,
          );
          // NaN is not told either.
          if (!(largest <= limit)) status.isTold = false;
          found.farthest[t] = Math.max(found.farthest[t], largest);
        } else {
          sampleStep(t);
          carryVariances(t, step.rows);
        }
        storeFinalRows(t, step.rows);
      }
    },
  };
}

/** Adds the values from index `at` on to those at the same indices. */
function addTo(to: Float32Array, values: Float32Array, at: number, count: number): void {
  for (let i = at; i < at + count; i++) to[i] += values[i];
}

function isBeyond(values: Float32Array, from: number, count: number, limit: number): boolean {
  for (let i = from; i < from + count; i++) if (values[i] > limit) return true;
  return false;
}

/** A random number of variance 1 for each place. */
function uniform(place: number): number {
  let x = place | 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return ((x ^ (x >>> 16)) * Math.sqrt(12)) / 2 ** 32;
}

/**
 * The variances of a row's sampled errors: their mean squares or, where that is larger, the mean of all units. A few samples of
 * one value would often give too little.
 * @param samples [SAMPLES, batch, units]
 */
function pool(
  samples: Float32Array,
  variances: Float32Array,
  row: number,
  units: number,
  perUnit: number,
): void {
  const first = row * units;
  let mean = 0;
  for (let unit = first; unit < first + units; unit++) {
    let squares = 0;
    for (let i = unit; i < samples.length; i += variances.length) squares += samples[i] * samples[i];
    variances[unit] = (squares * perUnit ** 2) / SAMPLES;
    mean += variances[unit] / units;
  }
  for (let unit = first; unit < first + units; unit++) if (variances[unit] < mean) variances[unit] = mean;
}
