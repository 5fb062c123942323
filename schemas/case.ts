import * as z from 'zod';

const notNegative = z.number().nonnegative();

const tolerance = z
  .strictObject({
    rtol: notNegative.optional().describe('Relative tolerance, as in torch.testing.assert_close.'),
    atol: notNegative.optional().describe('Absolute tolerance.'),
  })
  .describe('Close when |actual - expected| <= atol + rtol * |expected|.');

const toleranceOptions = tolerance.extend({
  reason: z
    .string()
    .max(100)
    .optional()
    .describe('Why the tolerance is not the default; shown in every report.'),
  output: tolerance.optional(),
  h_n: tolerance.optional(),
  c_n: tolerance.optional(),
});

const MODULES = ['RNN', 'GRU', 'LSTM', 'RNNCell', 'GRUCell', 'LSTMCell'] as const;

/** The options of a case, wherever it keeps them. */
const caseOptions = z.strictObject({
  module: z.enum(MODULES).optional().describe('The class in torch.nn; inferred from the shapes if absent.'),
  nonlinearity: z.enum(['tanh', 'relu']).optional().describe('Of an RNN or RNNCell; tanh if absent.'),
  batch_first: z.boolean().optional().describe('Whether input and output are [B, T, …]; inferred if absent.'),
  prefix: z.string().optional().describe("What stands before the module's own names, as encoder.lstm."),
  names: z
    .record(z.string(), z.string())
    .optional()
    .describe('Tensors with other names: { "output": "out" } reads out as output.'),
  tolerance: toleranceOptions.optional(),
  equal_nan: z.boolean().optional().describe('Whether NaN equals NaN; false if absent.'),
});

export type CaseOptions = z.infer<typeof caseOptions>;

const fileName = z.string().min(1);

/** A `case.json`. */
export const CASE_SCHEMA = caseOptions.extend({
  $schema: z.string().optional(),
  description: z.string().optional().describe('One sentence on what the case shows.'),
  weights: fileName.describe('File with the state_dict, relative to this one.'),
  input: fileName.describe('File with input and, where used, h_0, c_0 and lengths.'),
  expected: fileName
    .optional()
    .describe('File with output, h_n, c_n: any of them. To inspect a case none is needed.'),
  exported: z
    .record(z.string(), z.string())
    .optional()
    .describe('Where the tensors come from: PyTorch version, device …'),
});

export type CaseFile = z.infer<typeof CASE_SCHEMA>;

export interface SchemaIssue {
  /** `tolerance.rtol` */
  readonly field: string;
  readonly problem: string;
}

type Parsed<T> = { readonly value: T } | { readonly issues: readonly SchemaIssue[] };

function parse<T>(schema: z.ZodType<T>, value: unknown): Parsed<T> {
  // Without the input an issue does not tell what is missing from what is wrong.
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return { value: parsed.data };
  return { issues: parsed.error.issues.flatMap(sentences) };
}

const WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object of texts',
};

// zod's own messages quote the input; these name what is allowed only.
function sentences(issue: z.core.$ZodIssue): SchemaIssue[] {
  const field = issue.path.join('.');
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        field: [...issue.path, key].join('.'),
        problem: 'is not an option of a case',
      }));
    case 'invalid_type':
      return [
        issue.input === undefined
          ? { field, problem: `is missing: ${WORDS[issue.expected] ?? issue.expected} is needed` }
          : { field, problem: `is not ${WORDS[issue.expected] ?? issue.expected}` },
      ];
    case 'invalid_value':
      return [{ field, problem: `is not one of ${issue.values.join(', ')}` }];
    case 'too_big':
      return [{ field, problem: `is longer than ${issue.maximum} characters` }];
    case 'too_small':
      return [{ field, problem: issue.origin === 'string' ? 'is empty' : 'is negative' }];
    default:
      return [{ field, problem: 'is not as the schema says' }];
  }
}

export function parseCaseFile(value: unknown): Parsed<CaseFile> {
  return parse(CASE_SCHEMA, value);
}

/** The `"case"` object of a JSON bundle. */
export function parseCaseOptions(value: unknown): Parsed<CaseOptions> {
  return parse(caseOptions, value);
}

const booleanText = z
  .enum(['true', 'false', 'True', 'False', '1', '0'])
  .transform((text) => /^(true|1)$/i.test(text));
const number = z
  .string()
  .max(40)
  .regex(/^(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/)
  .transform(Number)
  .pipe(notNegative);

/** Options in safetensors `__metadata__` are text; keys that are not ours (`format: pt`) are somebody else's. */
const metadataOptions = z
  .object({
    module: caseOptions.shape.module,
    nonlinearity: caseOptions.shape.nonlinearity,
    batch_first: booleanText.optional(),
    prefix: z.string().optional(),
    rtol: number.optional(),
    atol: number.optional(),
    equal_nan: booleanText.optional(),
  })
  .transform(({ rtol, atol, ...rest }): CaseOptions => {
    return rtol === undefined && atol === undefined ? rest : { ...rest, tolerance: { rtol, atol } };
  });

/** The options in the `__metadata__` of a safetensors bundle. */
export function parseMetadataOptions(value: Readonly<Record<string, string>>): Parsed<CaseOptions> {
  return parse(metadataOptions, value);
}
