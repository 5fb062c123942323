import { KINDS } from '../kinds.js';
import type { Parameters } from '../module/bind.js';
import { type Module, outputSize } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';
import type { GateStep, Kernels } from './kernels/kernels.js';
import type { Recorder } from './trace.js';

/** One layer in one direction, and where it finds and leaves its numbers. */
export interface LayerRun {
  readonly kernels: Kernels;
  readonly module: Module;
  readonly parameters: Parameters;
  readonly reverse: boolean;
  readonly steps: number;
  /** Batch rows that are still within their length at a step: always the first ones. */
  readonly rowsAt: (step: number) => number;
  readonly batch: number;
  /** [steps, batch, inputSize] */
  readonly input: Floats;
  readonly inputSize: number;
  /** [steps, batch, width]; this direction's columns begin at `outputAt`. */
  readonly output: Floats;
  readonly width: number;
  readonly outputAt: number;
  /** In: h_0, c_0. Out: h_n, c_n. [batch, output size] and [batch, hidden] */
  readonly h: Floats;
  readonly c: Floats;
  /** Takes over what every step leaves behind, where a trace is wanted. */
  readonly record?: Recorder['record'];
}

// Multiplications between two signs of life (and pauses for whoever is waiting): some tens of milliseconds.
const CHUNK_WORK = 2 ** 25;

/**
 * Runs a layer through time, in chunks: the input's part of the gates is one product for all steps of a chunk, the
 * hidden part one product a step. Yields the number of steps done after each chunk; memory doesn't grow with time.
 */
export function* runLayer(run: LayerRun): Generator<number> {
  const { kernels, module, steps, batch, inputSize, width, outputAt, rowsAt } = run;
  const { hiddenSize, projSize } = module;
  const columns = KINDS[module.kind].gates.length * hiddenSize;
  const size = outputSize(module);
  const perStep = batch * columns * (inputSize + size);
  const chunk = Math.min(steps, Math.max(1, Math.floor(CHUNK_WORK / Math.max(1, perStep))));

  const weightIh = kernels.weights(run.parameters.weightIh);
  const weightHh = kernels.weights(run.parameters.weightHh);
  const biasIh = run.parameters.biasIh && kernels.convert(run.parameters.biasIh);
  const biasHh = run.parameters.biasHh && kernels.convert(run.parameters.biasHh);
  const weightHr = run.parameters.weightHr && kernels.weights(run.parameters.weightHr);

  const gates = kernels.allocate(chunk * batch * columns);
  const hidden = kernels.allocate(batch * columns);
  // What the cell calls h; with a projection h itself is made of it.
  const cellOutput = projSize ? kernels.allocate(batch * hiddenSize) : run.h;
  const gateStep = kernels.gateStep[module.kind];
  const work = {
    rows: batch,
    hiddenSize,
    gates,
    gatesAt: 0,
    hidden,
    h: cellOutput,
    c: run.c,
    nonlinearity: module.nonlinearity,
    store: kernels.store,
  } satisfies GateStep;

  for (let done = 0; done < steps; ) {
    const count = Math.min(chunk, steps - done);
    const first = run.reverse ? steps - done - count : done;
    kernels.product(gates, run.input, first * batch * inputSize, count * batch, weightIh, columns, biasIh);
    for (let i = 0; i < count; i++) {
      const at = run.reverse ? count - 1 - i : i;
      const step = first + at;
      work.rows = rowsAt(step);
      work.gatesAt = at * batch * columns;
      kernels.product(hidden, run.h, 0, work.rows, weightHh, columns, biasHh);
      gateStep(work);
      if (weightHr) kernels.product(run.h, cellOutput, 0, work.rows, weightHr, projSize);
      run.record?.(step, work, run.h);
      for (let row = 0; row < work.rows; row++) {
        const to = (step * batch + row) * width + outputAt;
        for (let unit = 0; unit < size; unit++) run.output[to + unit] = run.h[row * size + unit];
      }
    }
    done += count;
    yield done;
  }
}
