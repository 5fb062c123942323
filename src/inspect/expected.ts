import { distance, isClose, type Rule } from '../compare/close.js';
import type { BoundCase } from '../module/bind.js';
import { directionsOf, outputSize } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';

/** What a case expects of a state, where it says so. */
export interface ExpectedPart {
  /** [steps, batch, units] */
  readonly values: Floats;
  /** [steps, batch]: whether the case says what the units of this step should be. */
  readonly known: Uint8Array;
  /** [steps, batch, units]: whether a value is not close to what is expected, by the case's rule. */
  readonly far: Uint8Array;
}

/** How a case's tensors are held against what is computed, by their names. */
export type Rules = Readonly<Record<string, Rule>>;

/**
 * What a case's output, h_n and c_n say of h or c in one layer and direction: `output` is every h of the last layer,
 * `h_n` and `c_n` are the states after a row's last step. Where two of them speak of the same value, it is the one that
 * is farther from what was computed. Undefined where they say nothing.
 * @param actual what was computed [steps, batch, units]
 */
export function expectedPart(
  { network, sequence, references }: BoundCase,
  rules: Rules,
  { layer, d, part, actual }: { layer: number; d: number; part: string; actual: Floats },
): ExpectedPart | undefined {
  const { module } = network;
  const { steps, batch, lengths } = sequence;
  const directionCount = directionsOf(module).length;
  const reference = (name: string) => references.find((one) => one.name === name);
  const output = part === 'h' && layer === module.num_layers - 1 ? reference('output') : undefined;
  const final = part === 'h' || part === 'c' ? reference(`${part}_n`) : undefined;
  if (!output && !final) return undefined;

  const size = part === 'h' ? outputSize(module) : module.hidden_size;
  const values = new Float64Array(steps * batch * size);
  const known = new Uint8Array(steps * batch);
  const far = new Uint8Array(values.length);
  const take = (at: number, { name, data }: { name: string; data: Floats }, start: number) => {
    for (let unit = 0; unit < size; unit++) {
      const to = at * size + unit;
      const value = data[start + unit];
      const isFar = isClose(actual[to], value, rules[name]) ? 0 : 1;
      const farther = distance(actual[to], value) > distance(actual[to], values[to]);
      if (known[at] && (isFar === far[to] ? !farther : !isFar)) continue;
      values[to] = value;
      far[to] = isFar;
    }
    known[at] = 1;
  };
  for (let at = 0; output && at < output.rows * batch; at++) {
    take(at, output, at * output.units + d * size);
  }
  for (let row = 0; final && row < batch; row++) {
    const at = (d === 0 ? (lengths?.[row] ?? steps) - 1 : 0) * batch + row;
    take(at, final, ((layer * directionCount + d) * batch + row) * size);
  }
  return { values, known, far };
}
