import * as z from 'zod';
import { compared, count, float, tensorName } from './report.js';

const direction = z.enum(['forward', 'reverse']);
const says = z.array(z.string()).describe('One convention, or two that apply together.');

const value = z.strictObject({
  tensor: tensorName,
  row: count,
  batch: count,
  unit: count,
  expected: float,
  actual: float,
});

const indices = z.array(count).nullable();

const cause = z.strictObject({
  follows: z
    .strictObject({
      says: z.array(z.string()).describe('In sentences; empty where nothing stands out.'),
      steps_off: indices.describe('The steps of the output that do not follow; null where none does.'),
      rows_off: indices.describe('The same of its batch rows.'),
      units_off: indices.describe('The same of its units.'),
    })
    .nullable()
    .describe(
      "What follows, with every step begun from the reference's own state; null where that is not known.",
    ),
  difference: float.describe('The largest difference.'),
  conventions: z
    .array(
      z.strictObject({
        says,
        remedies: z.array(z.string()),
        left: float.describe('The largest difference that remains.'),
        compared: count.describe('How many values were compared.'),
        of: count,
        partial: z.boolean().describe('Whether too few values were compared to be sure.'),
        profile: z
          .string()
          .nullable()
          .describe(
            "A coarser rounding profile than the reference's dtype says, by which the rest is rounding.",
          ),
      }),
    )
    .describe('Each explains the whole difference; several where this case does not tell them apart.'),
  degenerate: z
    .strictObject({ says: z.string(), remedy: z.string() })
    .nullable()
    .describe('An output that was not computed from the input.'),
  changed: z.array(value).describe('Values of the reference that were changed after it was computed.'),
  not_finite: value.nullable().describe('The first value that is NaN or infinite, and should not be.'),
  precision: z.string().nullable().describe('The rounding profile that explains the whole difference.'),
  weights: z
    .array(
      z.strictObject({
        tensors: z.array(z.string()).describe('Both biases where either explains it.'),
        row: count,
        column: count.nullable(),
        gate: z.string(),
        unit: count,
        in_file: float,
        implied: float,
        deviation: float.describe('One standard deviation of implied.'),
        left_sigmas: float,
        sigmas: float,
        alike: count.describe('How many other weights of the row explain it as well.'),
      }),
    )
    .describe('The weight that explains the reference if it is implied; several where each alone does.'),
  whereabouts: z
    .array(
      z.strictObject({
        layer: count,
        direction,
        step: count,
        batch: count,
        unit: count,
        units: z.array(count),
        of_units: count,
        has_input: z.boolean().describe('Whether what goes into the layer is in the case.'),
        gates: z
          .record(z.string(), float.nullable())
          .describe(
            'By gate: the error of its sum that would explain the difference there; null where none would.',
          ),
        explained: z.record(z.string(), float),
      }),
    )
    .describe(
      'Where no cause is found: the first step beyond rounding, in each layer and direction whose output is known.',
    ),
  next_best: z.strictObject({ says, explained: float }).nullable(),
  not_excluded: z.array(z.string()).describe('Causes that this case would not show.'),
  separators: z.array(z.string()).describe('What a case needs in order to show them.'),
  tried: z.strictObject({ singles: count, pairs: count, of_pairs: count }),
});

/** The document that `cellcheck diagnose --reporter json` writes. */
export const DIAGNOSIS_SCHEMA = z.strictObject({
  version: z.literal(5),
  cellcheck: z.string(),
  ...compared.shape,
  cause: cause.nullable().describe('Null where the case does not differ.'),
});
