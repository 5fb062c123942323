import { CellcheckError } from '../errors.js';
import { type Direction, KINDS, traced } from '../kinds.js';
import { directionsOf, type Module, outputSize } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';
import type { GateStep } from './cells/gate-step.js';
import type { Kernels } from './kernels/kernels.js';
import type { Compute } from './options.js';

/** The states and gates of one layer in one direction. */
export interface LayerTrace {
  readonly layer: number;
  readonly direction: Direction;
  /**
   * By name: h [steps, batch, output size], c and the activated gates [steps, batch, hidden_size]. Batch rows are in
   * the order of the input; zero beyond a row's length.
   */
  readonly parts: Readonly<Record<string, Floats>>;
}

/** Fills a trace step by step. */
export interface Recorder {
  readonly trace: LayerTrace;
  /** Copies the results of a step. h: [rows, output size] */
  readonly record: (step: number, cell: GateStep, h: Floats) => void;
}

/** The largest trace of a network. */
const MOST_BYTES = 2 ** 32;

/** Size of a part's last dimension. */
export function partSize(module: Module, part: string): number {
  return part === 'h' ? outputSize(module) : module.hidden_size;
}

/**
 * Checks the size of a trace before anything is allocated.
 * @throws CellcheckError where it is larger than 4 GiB
 */
export function planTrace(module: Module, steps: number, batch: number, compute: Compute = 'float64'): void {
  const bytesPerValue = compute === 'float64' ? 8 : 4;
  const units = traced(module.kind).reduce((total, part) => total + partSize(module, part), 0);
  const layers = module.num_layers * directionsOf(module).length;
  const bytes = units * layers * steps * batch * bytesPerValue;
  if (bytes <= MOST_BYTES) return;
  throw new CellcheckError({
    problem: `states and gates of ${steps} steps × ${batch} take ${(bytes / 2 ** 30).toFixed(1)} GiB, and ${MOST_BYTES / 2 ** 30} are the most`,
    hints: ['Cut the input to fewer steps or batch rows, or compute in float32.'],
  });
}

/**
 * A recorder for one layer in one direction. It copies, because the kernels reuse their buffers at every step.
 * @param place the layer and direction
 * @param output [steps, batch, output size]: where the forward pass itself keeps h of every step; absent where it keeps
 *   it in another layout
 * @param order `order[row]`: the batch row of the input that the kernels see as `row`; the same one if absent
 */
export function traceRecorder(
  { allocate }: Kernels,
  module: Module,
  place: Pick<LayerTrace, 'layer' | 'direction'>,
  steps: number,
  batch: number,
  output: Floats | undefined,
  order: readonly number[] | undefined,
): Recorder {
  const { gates } = KINDS[module.kind];
  const { hidden_size } = module;
  const size = outputSize(module);
  const parts = Object.fromEntries(
    traced(module.kind).map((part) => [
      part,
      (part === 'h' && output) || allocate(steps * batch * partSize(module, part)),
    ]),
  );
  // The only gate of an RNN is h itself.
  const gateParts = gates.map((gate) => parts[gate]).filter((part) => part !== parts.h);
  const { h: hTrace, c: cTrace } = parts;
  return {
    trace: { ...place, parts },
    // Loops rather than `set` of subarrays: in a network with one unit this takes as long as the cell.
    record(step, { rows, gates, gatesAt, c }, h) {
      for (let row = 0; row < rows; row++) {
        const traceRow = step * batch + (order ? order[row] : row);
        if (!output)
          for (let unit = 0; unit < size; unit++) hTrace[traceRow * size + unit] = h[row * size + unit];
        const traceAt = traceRow * hidden_size;
        if (cTrace)
          for (let unit = 0; unit < hidden_size; unit++) cTrace[traceAt + unit] = c[row * hidden_size + unit];
        for (let k = 0; k < gateParts.length; k++) {
          const gateAt = gatesAt + (row * gateParts.length + k) * hidden_size;
          const part = gateParts[k];
          for (let unit = 0; unit < hidden_size; unit++) part[traceAt + unit] = gates[gateAt + unit];
        }
      }
    },
  };
}
