import type { Bound } from '../module/bind.js';
import { directions, outputSize } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';

/** What a case expects of a state, where it says so. */
export interface ExpectedPart {
  /** [steps, batch, units] */
  readonly values: Floats;
  /** [steps, batch]: whether the case says what the units of this step should be. */
  readonly known: Uint8Array;
}

/**
 * What a case's output, h_n and c_n say of h or c in one layer and direction: `output` is every h of the last layer,
 * `h_n` and `c_n` are the states after a row's last step. Undefined where they say nothing.
 */
export function expectedPart(
  { network, sequence, references }: Bound,
  layer: number,
  way: number,
  part: string,
): ExpectedPart | undefined {
  const { module } = network;
  const { steps, batch, lengths } = sequence;
  const ways = directions(module).length;
  const reference = (name: string) => references.find((one) => one.name === name);
  const output = part === 'h' && layer === module.numLayers - 1 ? reference('output') : undefined;
  const final = part === 'h' || part === 'c' ? reference(`${part}_n`) : undefined;
  if (!output && !final) return undefined;

  const size = part === 'h' ? outputSize(module) : module.hiddenSize;
  const values = new Float64Array(steps * batch * size);
  const known = new Uint8Array(steps * batch);
  const take = (at: number, from: Floats, start: number) => {
    for (let unit = 0; unit < size; unit++) values[at * size + unit] = from[start + unit];
    known[at] = 1;
  };
  for (let at = 0; output && at < output.rows * batch; at++) {
    take(at, output.data, at * output.units + way * size);
  }
  for (let row = 0; final && row < batch; row++) {
    const at = (way === 0 ? (lengths?.[row] ?? steps) - 1 : 0) * batch + row;
    if (!known[at]) take(at, final.data, ((layer * ways + way) * batch + row) * size);
  }
  return { values, known };
}
