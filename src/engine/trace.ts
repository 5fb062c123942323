import { CellcheckError } from '../errors.js';
import { type Direction, KINDS, traced } from '../kinds.js';
import { directionsOf, type Module, outputSize } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';
import type { GateStep, Kernels } from './kernels/kernels.js';
import type { Compute } from './options.js';

/** What the forward pass saw in one layer and direction. */
export interface LayerTrace {
  readonly layer: number;
  readonly direction: Direction;
  /**
   * By name: h [steps, batch, output size], c and the activated gates [steps, batch, hidden_size]. Batch rows are those
   * of the input; zero beyond a row's length.
   */
  readonly parts: Readonly<Record<string, Floats>>;
}

/** A trace that is being made. */
export interface Recorder {
  readonly trace: LayerTrace;
  /** Takes over what a step left behind. h: [rows, output size] */
  readonly record: (step: number, cell: GateStep, h: Floats) => void;
}

// For all parts together.
const MOST_BYTES = 2 ** 32;

/** Size of a part's last dimension. */
export function partSize(module: Module, part: string): number {
  return part === 'h' ? outputSize(module) : module.hidden_size;
}

/**
 * Refuses a trace that no memory is likely to hold, before anything is allocated.
 * @throws CellcheckError
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
 * Room for the trace of a layer in one direction, filled step by step: what the kernels work in is used again for other
 * steps.
 * @param output where h of every step is kept anyway, where that is all that is kept there
 * @param order which batch row of the input each row is that the kernels see; the same if absent
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
  // An RNN's gate is its h.
  const blocks = gates.map((gate) => parts[gate]).filter((block) => block !== parts.h);
  const { h: toH, c: toC } = parts;
  return {
    trace: { ...place, parts },
    // Plain loops: in a network of one unit this runs as often as the cell.
    record(step, { rows, gates, gatesAt, c }, h) {
      for (let row = 0; row < rows; row++) {
        const at = step * batch + (order ? order[row] : row);
        if (!output) for (let unit = 0; unit < size; unit++) toH[at * size + unit] = h[row * size + unit];
        const to = at * hidden_size;
        if (toC) for (let unit = 0; unit < hidden_size; unit++) toC[to + unit] = c[row * hidden_size + unit];
        for (let k = 0; k < blocks.length; k++) {
          const from = gatesAt + (row * blocks.length + k) * hidden_size;
          const block = blocks[k];
          for (let unit = 0; unit < hidden_size; unit++) block[to + unit] = gates[from + unit];
        }
      }
    },
  };
}
