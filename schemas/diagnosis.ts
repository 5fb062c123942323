import * as z from 'zod';
import { compared, count, float, tensorName } from './report.js';

const direction = z.enum(['forward', 'reverse']);
const says = z.array(z.string()).describe('One convention, or two at once.');

const value = z.strictObject({
  tensor: tensorName,
  row: count,
  batch: count,
  unit: count,
  expected: float,
  actual: float,
});

const cause = z.strictObject({
  difference: float.describe('The largest.'),
  conventions: z
    .array(
      z.strictObject({
        says,
        remedies: z.array(z.string()),
        left: float.describe('The largest difference that is left.'),
        compared: count.describe('Values that were held against each other.'),
        of: count,
        partial: z.boolean().describe('Whether that is too little of them to be sure.'),
      }),
    )
    .describe('Each explains all of it; more than one where this case does not tell them apart.'),
  changed: z.array(value).describe('Values of the reference that were changed after it was computed.'),
  not_finite: value.nullable().describe('The first value that is NaN or infinite, and should not be.'),
  precision: z.string().nullable().describe('The profile whose rounding all of it is.'),
  weights: z
    .array(
      z.strictObject({
        tensors: z.array(z.string()).describe('Both biases where either would do.'),
        row: count,
        column: count.nullable(),
        gate: z.string(),
        unit: count,
        in_file: float,
        implied: float,
        deviation: float.describe('Of implied: one standard deviation.'),
        left_sigmas: float,
        sigmas: float,
        alike: count.describe('Other weights of the row that would do as well.'),
      }),
    )
    .describe('One weight with which the reference follows; more where each of them alone would do.'),
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
        gates: z
          .record(z.string(), float.nullable())
          .describe("What one gate's sum would be off by there; null where no change would do."),
        explained: z.record(z.string(), float),
      }),
    )
    .describe(
      'Where nothing fits: the first step beyond rounding, in each layer and direction whose output is known.',
    ),
  next_best: z.strictObject({ says, explained: float }).nullable(),
  not_excluded: z.array(z.string()).describe('What this case would not show.'),
  separators: z.array(z.string()).describe('What a case would need to show it.'),
  tried: z.strictObject({ singles: count, pairs: count, of_pairs: count }),
});

/** The document that `cellcheck diagnose --reporter json` writes. */
export const DIAGNOSIS_SCHEMA = z.strictObject({
  version: z.literal(2),
  cellcheck: z.string(),
  ...compared.shape,
  cause: cause.nullable().describe('Null where the case does not differ.'),
});
