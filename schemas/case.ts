import * as z from 'zod/mini';
import './jitless.js';

/** A schema with a description, which editors show. */
export function described<S extends z.ZodMiniType>(schema: S, description: string): S {
  z.globalRegistry.add(schema, { description });
  return schema;
}

export function maybe<S extends z.ZodMiniType>(schema: S, description?: string): z.ZodMiniOptional<S> {
  const optional = z.optional(schema);
  return description === undefined ? optional : described(optional, description);
}

const notNegative = z.number().check(z.nonnegative());

const tolerance = described(
  z.strictObject({
    rtol: maybe(notNegative, 'Relative tolerance, as in torch.testing.assert_close.'),
    atol: maybe(notNegative, 'Absolute tolerance.'),
  }),
  'Close when |actual - expected| <= atol + rtol * |expected|.',
);

const toleranceOptions = z.extend(tolerance, {
  reason: maybe(
    z.string().check(z.maxLength(100)),
    'Why the tolerance is not the default; shown in every report.',
  ),
  output: maybe(tolerance),
  h_n: maybe(tolerance),
  c_n: maybe(tolerance),
});

const decimals = () => z.int().check(z.minimum(0), z.maximum(17));

const MODULES = ['RNN', 'GRU', 'LSTM', 'RNNCell', 'GRUCell', 'LSTMCell'] as const;

/** The options of a case, in a case file or in a bundle. */
export const caseOptions = z.strictObject({
  module: maybe(z.enum(MODULES), 'The class in torch.nn; inferred from the shapes if absent.'),
  nonlinearity: maybe(z.enum(['tanh', 'relu']), 'Of an RNN or RNNCell; tanh if absent.'),
  batch_first: maybe(z.boolean(), 'Whether input and output are [B, T, …]; inferred if absent.'),
  key: maybe(
    z.string().check(z.minLength(1)),
    'The dict in the weights file that is the state_dict, as model_state, where it holds several.',
  ),
  prefix: maybe(z.string(), "What precedes the names of the module's parameters, as encoder.lstm."),
  names: maybe(
    z.record(z.string(), z.string()),
    'Tensors with other names: { "output": "out" } reads out as output.',
  ),
  tolerance: maybe(toleranceOptions),
  decimals: maybe(
    z.union([decimals(), z.record(z.string(), decimals())]),
    'The decimals that the weights and the expected outputs were printed with, if they were; or those of single tensors, as { "output": 4 }.',
  ),
  padding: maybe(
    z.union([z.number(), z.literal('ignore')]),
    'What an expected output has beyond the lengths of its rows: a number, or ignore; 0 if absent.',
  ),
  equal_nan: maybe(z.boolean(), 'Whether NaN equals NaN; false if absent.'),
});

export type CaseOptions = z.infer<typeof caseOptions>;

const fileName = () => z.string().check(z.minLength(1));

const rawFile = described(
  z.strictObject({
    file: fileName(),
    dtype: z.string(),
    shape: z.array(z.int().check(z.nonnegative())).check(z.maxLength(8)),
  }),
  'Little-endian numbers without a header, in row-major order.',
);

const oneFile = () => z.union([fileName(), rawFile]);

/** A file with tensors by name, or a file for each tensor. */
const filesOf = (roles: readonly string[]) =>
  z.union([
    fileName(),
    rawFile,
    z.strictObject(Object.fromEntries(roles.map((role) => [role, z.optional(oneFile())]))),
  ]);

type OneFile = z.infer<ReturnType<typeof oneFile>>;

/** One or several files of a case. */
export type CaseFiles = OneFile | Readonly<Record<string, OneFile | undefined>>;

/** A `case.json`. */
export const CASE_SCHEMA = z.extend(caseOptions, {
  $schema: maybe(z.string()),
  description: maybe(z.string(), 'One sentence on what the case shows.'),
  weights: described(
    z.union([fileName(), z.record(z.string(), oneFile())]),
    'File with the state_dict, relative to this one; or a file for each parameter.',
  ),
  input: described(
    filesOf(['input', 'h_0', 'c_0', 'lengths']),
    'File with input and, where used, h_0, c_0 and lengths; or a file for each of them.',
  ),
  expected: maybe(
    filesOf(['output', 'h_n', 'c_n']),
    'File with output, h_n, c_n: any of them; or a file for each. To inspect a case none is needed.',
  ),
  layer_outputs: maybe(fileName(), 'File with the outputs of layers below the last: output_l0, output_l1, …'),
  exported: maybe(z.record(z.string(), z.string()), 'Where the tensors come from: PyTorch version, device …'),
});

export type CaseFile = z.infer<typeof CASE_SCHEMA>;

const ROLES_OF: Readonly<Record<string, string>> = {
  weights: 'parameters',
  input: 'input, h_0, c_0, lengths',
  expected: 'output, h_n, c_n',
};
const FILE_FIELDS = Object.keys(ROLES_OF);
const NO_FILE = 'is neither a file\'s name, nor { "file", "dtype", "shape" }, nor a file for each tensor';

/** What fields of several forms are. */
const UNIONS: Readonly<Record<string, string>> = {
  padding: 'is neither a number nor ignore',
  decimals: 'is neither a number from 0 to 17 nor one for each tensor',
};

interface SchemaIssue {
  /** `tolerance.rtol` */
  readonly field: string;
  readonly problem: string;
}

/** What a schema makes of a value, or all that is wrong with it. */
export type Parsed<T> = { readonly value: T } | { readonly issues: readonly SchemaIssue[] };

/** @param of whose options these are */
export function parse<T>(schema: z.ZodMiniType<T>, value: unknown, of = 'of a case'): Parsed<T> {
  // An issue only tells a missing value from a wrong one if it has the input.
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return { value: parsed.data };
  return { issues: parsed.error.issues.flatMap((issue) => sentences(issue, of)) };
}

const WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
  int: 'a whole number',
  record: 'an object of texts',
};

// zod's own messages quote the input. These only say what is allowed.
function sentences(issue: z.core.$ZodIssue, of: string): SchemaIssue[] {
  const field = issue.path.join('.');
  switch (issue.code) {
    case 'unrecognized_keys':
      // Something that is none of the forms that a file of a case may have.
      if (FILE_FIELDS.includes(String(issue.path[0]))) {
        const tensors = issue.keys.filter((key) => !['file', 'dtype', 'shape'].includes(key));
        if (tensors.length === 0) return [{ field: String(issue.path[0]), problem: NO_FILE }];
        return tensors.map((key) => ({
          field: `${String(issue.path[0])}.${key}`,
          problem: `is not a tensor that goes here: those are ${ROLES_OF[String(issue.path[0])]}`,
        }));
      }
      return issue.keys.map((key) => ({
        field: [...issue.path, key].join('.'),
        problem: `is not an option ${of}`,
      }));
    case 'invalid_type':
      return [
        issue.input === undefined
          ? { field, problem: `is missing: ${WORDS[issue.expected] ?? issue.expected} is needed` }
          : { field, problem: `is not ${WORDS[issue.expected] ?? issue.expected}` },
      ];
    case 'invalid_value':
      return [{ field, problem: `is not one of ${issue.values.join(', ')}` }];
    case 'invalid_union':
      if (issue.input === undefined) return [{ field, problem: 'is missing: the name of a file is needed' }];
      return [{ field, problem: UNIONS[String(issue.path.at(-1))] ?? NO_FILE }];
    case 'too_big':
      return [{ field, problem: `is longer than ${issue.maximum} characters` }];
    case 'too_small':
      return [
        {
          field,
          problem:
            issue.origin !== 'string' && issue.origin !== 'array'
              ? Number(issue.minimum) > 0
                ? `is less than ${issue.minimum}`
                : 'is negative'
              : 'is empty',
        },
      ];
    default:
      return [{ field, problem: 'is not as the schema says' }];
  }
}

export function parseCaseFile(value: unknown): Parsed<CaseFile> {
  return parse(CASE_SCHEMA, withPlainLists(value));
}

/** The JSON parser's lists of numbers as arrays: the sizes of a case are few. */
function withPlainLists(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { values, shape } = value as { values?: unknown; shape?: unknown };
  if (values instanceof Float64Array && Array.isArray(shape))
    return shape.length === 1 ? Array.from(values) : null;
  // A list of something else; its entries are not kept.
  if (Object.getPrototypeOf(value) !== null && 'problem' in value) return null;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withPlainLists(member)]));
}

/** The options of a case that is in memory. */
export function parseCaseOptions(value: unknown): Parsed<CaseOptions> {
  return parse(caseOptions, value);
}

const bundleOptions = z.pipe(
  z.object({ case: z.optional(caseOptions) }),
  z.transform((bundle): CaseOptions => bundle.case ?? {}),
);

/** The options of a JSON bundle, which are its member `case`. */
export function parseBundleOptions(bundle: { readonly case?: unknown }): Parsed<CaseOptions> {
  return parse(bundleOptions, bundle);
}

const booleanText = z.pipe(
  z.enum(['true', 'false', 'True', 'False', '1', '0']),
  z.transform((text) => /^(true|1)$/i.test(text)),
);
const number = z.pipe(
  z.pipe(
    z.string().check(z.maxLength(40), z.regex(/^(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/)),
    z.transform(Number),
  ),
  notNegative,
);

/** Options in the `__metadata__` of a safetensors file are strings. Other keys, as `format: pt`, are ignored. */
const metadataOptions = z.pipe(
  z.object({
    module: caseOptions.shape.module,
    nonlinearity: caseOptions.shape.nonlinearity,
    batch_first: z.optional(booleanText),
    prefix: z.optional(z.string()),
    rtol: z.optional(number),
    atol: z.optional(number),
    equal_nan: z.optional(booleanText),
  }),
  z.transform(({ rtol, atol, ...rest }): CaseOptions => {
    return rtol === undefined && atol === undefined ? rest : { ...rest, tolerance: { rtol, atol } };
  }),
);

/** The options in the `__metadata__` of a safetensors bundle. */
export function parseMetadataOptions(value: Readonly<Record<string, string>>): Parsed<CaseOptions> {
  return parse(metadataOptions, value);
}
