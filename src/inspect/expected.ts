import { distance, isClose, type Rule } from '../compare/close.js';
import { partSize } from '../engine/trace.js';
import type { BoundCase } from '../module/bind.js';
import { directionsOf } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';

/** What a case expects of a state, at the steps for which it has a reference. */
export interface ExpectedPart {
  /** [steps, batch, units] */
  readonly values: Floats;
  /** [steps, batch]: 1 where the case has expected values. */
  readonly known: Uint8Array;
  /** [steps, batch, units]: 1 where the computed value is not close to the expected one, by the case's tolerance. */
  readonly far: Uint8Array;
}

/** How a case's expected tensors are compared, by their names. */
export type Rules = Readonly<Record<string, Rule>>;

/**
 * The expected values of h or c in one layer and direction: `output` has every h of the last layer, `h_n` and `c_n`
 * the states after each row's last step. Where both have a value, the one that is farther from the computed value is
 * taken. Undefined where the case expects nothing of this state.
 * @param d index of the direction
 * @param actual the computed values [steps, batch, units]
 */
export function expectedPart(
  { network, sequence, references }: BoundCase,
  rules: Rules,
  { layer, d, part, actual }: { layer: number; d: number; part: string; actual: Floats },
): ExpectedPart | undefined {
  const { module } = network;
  const { steps, batch, lengths } = sequence;
  const directionCount = directionsOf(module).length;
  const reference = (name: string) => references.find((candidate) => candidate.name === name);
  const output = part === 'h' && layer === module.num_layers - 1 ? reference('output') : undefined;
  const final = part === 'h' || part === 'c' ? reference(`${part}_n`) : undefined;
  if (!output && !final) return undefined;

  const size = partSize(module, part);
  const values = new Float64Array(steps * batch * size);
  const known = new Uint8Array(steps * batch);
  const far = new Uint8Array(values.length);
  /** @param row index of a step and batch row in the result */
  const addRow = (row: number, { name, data }: { name: string; data: Floats }, start: number) => {
    for (let unit = 0; unit < size; unit++) {
      const i = row * size + unit;
      const value = data[start + unit];
      const isFar = isClose(actual[i], value, rules[name]) ? 0 : 1;
      const isFarther = distance(actual[i], value) > distance(actual[i], values[i]);
      // A second reference for the same value counts if only it is far, or if both are alike and it is farther.
      if (known[row] && (isFar === far[i] ? !isFarther : !isFar)) continue;
      values[i] = value;
      far[i] = isFar;
    }
    known[row] = 1;
  };
  for (let row = 0; output && row < output.rows * batch; row++) {
    addRow(row, output, row * output.units + d * size);
  }
  for (let b = 0; final && b < batch; b++) {
    const lastStep = d === 0 ? (lengths?.[b] ?? steps) - 1 : 0;
    addRow(lastStep * batch + b, final, ((layer * directionCount + d) * batch + b) * size);
  }
  return { values, known, far };
}
