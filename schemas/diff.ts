import * as z from 'zod';
import { count, float } from './report.js';

const shape = z.array(count);

const parameter = z.strictObject({
  name: z.string().describe('Without the prefix.'),
  relation: z
    .enum(['equal', 'rounded', 'gates-permuted', 'rows-permuted', 'transposed', 'other-shape', 'differs'])
    .describe('How the second follows from the first.'),
  rounded: z.enum(['first', 'second']).optional().describe('Which of the two holds rounded values.'),
  rounded_to: z.string().optional(),
  order: z
    .array(z.string())
    .optional()
    .describe("The first's gates in the order of the second's row blocks."),
  first_shape: shape,
  second_shape: shape,
  changes: z
    .array(z.strictObject({ gate: z.string().optional(), largest: float, rms: float }))
    .describe(
      'The largest |b - a| and the root mean square of b - a, for each gate; none where shapes differ.',
    ),
});

const module = z.strictObject({
  first_prefix: z.string(),
  second_prefix: z.string(),
  parameters: z.array(parameter),
  only_in_first: z.array(z.string()),
  only_in_second: z.array(z.string()),
  merged_biases: z
    .array(z.string())
    .describe('Layers of which one of the two has the sum of both biases, by their bias_ih.'),
});

/** The document that `cellcheck diff --reporter json` writes. */
export const DIFF_SCHEMA = z.strictObject({
  version: z.literal(1),
  cellcheck: z.string(),
  first: z.string(),
  second: z.string(),
  equal: z.boolean().describe('Whether both have the same modules, and every parameter is equal.'),
  modules: z.array(module),
  only_in_first: z.array(z.string()).describe('Prefixes of modules.'),
  only_in_second: z.array(z.string()),
});
