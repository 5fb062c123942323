import { residuals } from '../one-weight/residuals.js';
import {
  type KnownLayer,
  SENSITIVITIES,
  type TeacherForced,
  teacherForced,
} from '../one-weight/sensitivity.js';
import type { Whereabouts } from '../verdict/cause.js';

/** A gate whose sum would have to change by more than this is ruled out. */
const MAX_CHANGE = 50;

/**
 * The first step with a residual beyond the limit, in the order in which the direction runs; the farthest unit there;
 * and by how much each gate's sum would have to change there if that gate alone were wrong.
 * @param limit in standard deviations; at least one residual of the layer is beyond it
 */
export function firstBeyond(
  layer: KnownLayer,
  limit: number,
): Pick<Whereabouts, 'step' | 'batch' | 'unit' | 'units' | 'ofUnits' | 'gates'> {
  const { module, expected, sigma } = layer;
  const { hidden_size, kind } = module;
  const forced = teacherForced(layer);
  const { computed, parts, cellSlope } = SENSITIVITIES[kind](forced);
  const distances = residuals(computed, expected, sigma).map(Math.abs); // [steps, batch, hidden]
  const { step, batch, unit } = farthestAtFirstStep(layer, forced, distances, limit)!;
  const i = (step * layer.batch + batch) * hidden_size + unit;
  const changeBy = (slope: number) => {
    const change = (expected[i] - computed[i]) / slope;
    return Math.abs(change) <= MAX_CHANGE ? change : undefined;
  };
  // A GRU's n has two parts: that of x stands for the whole sum.
  const gates = parts
    .filter(({ operand }) => operand !== 'h')
    .map(({ gate, slope, carried }) => [gate, changeBy(slope[i] * (carried ? cellSlope![i] : 1))]);
  return {
    step,
    batch,
    unit,
    units: unitsBeyond(distances, hidden_size, limit),
    ofUnits: hidden_size,
    gates: Object.fromEntries(gates),
  };
}

/** The first step, in the order of the direction, with a distance beyond the limit; and the farthest unit there. */
function farthestAtFirstStep(
  { module: { hidden_size }, steps, batch: rows }: KnownLayer,
  { stepsOf }: TeacherForced,
  distances: Float64Array,
  limit: number,
): Pick<Whereabouts, 'step' | 'batch' | 'unit'> | undefined {
  const orders = Array.from({ length: rows }, (_, batch) => stepsOf(batch));
  for (let i = 0; i < steps; i++) {
    let farthest: Pick<Whereabouts, 'step' | 'batch' | 'unit'> | undefined;
    let distance = limit;
    for (const [batch, order] of orders.entries()) {
      // A shorter row has no such step.
      if (i >= order.length) continue;
      const step = order[i];
      const from = (step * rows + batch) * hidden_size;
      for (let unit = 0; unit < hidden_size; unit++) {
        if (!(distances[from + unit] > distance)) continue;
        distance = distances[from + unit];
        farthest = { step, batch, unit };
      }
    }
    if (farthest) return farthest;
  }
  return undefined;
}

/** The units with a distance beyond the limit at any step. */
function unitsBeyond(distances: Float64Array, hidden_size: number, limit: number): number[] {
  const units = new Set<number>();
  for (let i = 0; i < distances.length; i++) if (distances[i] > limit) units.add(i % hidden_size);
  return [...units].sort((a, b) => a - b);
}
