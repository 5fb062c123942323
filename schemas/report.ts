import * as z from 'zod';

// NaN and infinities, for which JSON has no literals, are strings, as they are in tensors.
export const float = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity'])]);
export const count = z.int().nonnegative();
export const tensorName = z
  .string()
  .regex(/^(output(_l\d+)?|h_n|c_n)$/)
  .describe('output_l0 …: outputs of layers below the last.');

const place = z.strictObject({
  step: count.optional().describe('Of output.'),
  layer: count.optional().describe('Of h_n and c_n.'),
  direction: z.enum(['forward', 'reverse']),
  batch: count,
  unit: count,
  expected: float,
  actual: float,
  difference: float.describe('|actual - expected|'),
});

const row = z.strictObject({
  elements: count,
  mismatches: count,
  relative: float.describe('The largest |actual - expected| / |expected|.'),
  worst: place.describe('The largest difference among the mismatches, or else among all elements.'),
  sigmas: float
    .nullable()
    .describe(
      'Rule auto: the largest |expected - predicted| in standard deviations of rounding; for printed numbers in bounds.',
    ),
});

const unit = z.strictObject({
  unit: count,
  mean_square: z.number(),
  weight_sigmas: z
    .number()
    .nullable()
    .describe(
      'Where all steps together are off as one wrong weight makes them: how far that is from the one in the file, in standard deviations.',
    ),
});

const auto = z.strictObject({
  limit: z.number().describe('More sigmas than this are a fault.'),
  sigmas: float.nullable().describe('The largest of the rows; null where nothing is decided.'),
  faults: count.describe(
    'Elements beyond rounding; where one weight shows in all steps together, those that show it most.',
  ),
  proven: count.describe('Those of the faults that no rounding can cause.'),
  rare: count.describe('Elements beyond the limit that are no faults, since a few are expected by chance.'),
  undecided: count.describe('Elements that were judged by rtol and atol.'),
  units: z
    .array(unit)
    .describe('Units whose steps are a fault together, though each of them may be within the limit.'),
  suspicious: z.array(unit).describe('Units whose mean square is unusually large, but no fault.'),
});

const tensor = z.strictObject({
  name: tensorName,
  dtype: z.string().describe("The reference's."),
  rule: z.strictObject({
    name: z.enum(['close', 'auto']),
    decimals: count
      .nullable()
      .describe('Rule auto: the decimals that the tensor was printed with, or else those of the case.'),
    profile: z
      .string()
      .nullable()
      .describe(
        'Rule auto: how the reference was rounded; a wider one than that of its dtype where only that explains it.',
      ),
    teacher_forced: z
      .boolean()
      .nullable()
      .describe("Rule auto: whether every step began from the reference's own h."),
    rtol: z.number(),
    atol: z.number(),
    equal_nan: z.boolean(),
    source: z.string(),
  }),
  elements: count,
  mismatches: count,
  smallest_atol: z.number().nullable().describe('Passes at this rtol; null where none does.'),
  worst: place,
  auto: auto.nullable(),
  map: z
    .strictObject({
      steps: count.describe('Steps in a cell.'),
      units: count.describe('Units in a cell.'),
      values: z
        .array(z.array(float.nullable()))
        .describe(
          'Rows of cells: the largest deviation in each, of all batch rows; in standard deviations (or bounds) by the rule auto, else |actual - expected|. Null where none is decided.',
        ),
    })
    .nullable()
    .describe('A sequence that fails, over step × unit.'),
  rows: z.array(row).describe('One for each step of output, or for each layer and direction of h_n and c_n.'),
});

export const module = z.strictObject({
  kind: z.enum(['RNN', 'GRU', 'LSTM']),
  cell: z.boolean(),
  nonlinearity: z.enum(['tanh', 'relu']),
  input_size: count,
  hidden_size: count,
  proj_size: count,
  num_layers: count,
  bidirectional: z.boolean(),
  bias: z.boolean(),
  prefix: z.string(),
});

/** A module that was run, and what it is in words. */
const subject = module.extend({
  words: z.array(z.string()).describe('As tables name it: LSTM 3 → 4, 1 layer …'),
});

/** A case that was compared, without the reason why it differs. */
export const compared = z.strictObject({
  case: z.string(),
  verdict: z
    .enum(['parity', 'differs', 'ill-conditioned', 'undecided'])
    .describe('undecided: the reference says too little, for example with few printed digits.'),
  module: subject,
  steps: count,
  batch: count,
  batch_first: z.boolean(),
  compute: z.enum(['float64', 'float32']),
  first: place
    .extend({ tensor: tensorName })
    .nullable()
    .describe('The first mismatch that rounding alone cannot explain.'),
  parts_at: count
    .nullable()
    .describe('Ill-conditioned: the step from which rounding alone explains the mismatches.'),
  overflow: z
    .strictObject({
      layer: count,
      direction: z.enum(['forward', 'reverse']),
      step: count,
      batch: count,
      gate: z.string(),
      unit: count,
    })
    .nullable()
    .describe('Undecided: the sum that may overflow in one order of adding and not in another.'),
  coarser: z
    .string()
    .nullable()
    .describe('Differs: the profile of the precision of which all differences are rounding.'),
  tensors: z.array(tensor).min(1),
  not_checked: z.array(z.string()).describe('Outputs that the reference lacks.'),
  notes: z.array(z.string()),
  warnings: z.array(z.string()),
  advice: z.array(z.string()),
});

export const error = z.strictObject({
  message: z.string(),
  file: z.string().nullable(),
  tensor: z.string().nullable(),
  found: z.string().nullable(),
  expected: z.string().nullable(),
  hints: z.array(z.string()),
});

const explained = compared.extend({
  cause: z
    .string()
    .nullable()
    .describe('Why it differs, where that was found quickly: cellcheck diagnose says more.'),
});

const failed = z.strictObject({ case: z.string(), verdict: z.literal('error'), error });

const shard = z
  .strictObject({
    index: z.int().positive(),
    count: z.int().positive(),
    suite: z.string().describe('The same for all shards of a suite.'),
    cases: z.array(count).describe("The places of this shard's cases in the whole suite, counted from 0."),
  })
  .describe('With --shard: what cellcheck merge needs to join the reports of all shards.');

/** The document that `--reporter json` writes. */
export const REPORT_SCHEMA = z.strictObject({
  version: z.literal(4),
  cellcheck: z.string(),
  shard: shard.nullable(),
  summary: z.strictObject({
    parity: count,
    differs: count,
    no_verdict: count,
    not_run: count.describe('Cases that were left out, after --bail or an interruption.'),
    exit_code: count.describe('0, 1 or 2; 130 after Ctrl-C, 129 or 143 after another signal.'),
  }),
  cases: z.array(z.discriminatedUnion('verdict', [explained, failed])),
});

export type ReportDocument = z.infer<typeof REPORT_SCHEMA>;

/** A report that was written before; undefined where it is none of this version. */
export function parseReport(value: unknown): ReportDocument | undefined {
  return REPORT_SCHEMA.safeParse(value).data;
}
