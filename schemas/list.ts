import * as z from 'zod';
import { count, error, module } from './report.js';

const shape = z.array(z.union([count, z.enum(['T', 'B'])]));

const facts = {
  parameters: count.describe('How many values its parameters have.'),
  dtypes: z.array(z.string()),
};

const described = module
  // Names and shapes do not tell it.
  .omit({ nonlinearity: true })
  .extend({
    ...facts,
    gates: z
      .array(z.strictObject({ gate: z.string(), first: count, last: count }))
      .describe('The rows of weight_ih, weight_hh and the biases that belong to each gate.'),
    shapes: z
      .strictObject({
        input: shape,
        h_0: shape,
        c_0: shape.optional(),
        output: shape,
        h_n: shape,
        c_n: shape.optional(),
      })
      .describe('For T steps of B batch rows, time first; for a Cell, those of a loop over the steps.'),
  });

const misfit = z.strictObject({ prefix: z.string(), ...facts, error });

const listed = z.strictObject({
  file: z.string(),
  modules: z.array(z.union([described, misfit])).min(1),
  more: z.boolean().describe('Whether there are more modules than these.'),
  others: z
    .array(z.strictObject({ name: z.string(), dtype: z.string(), shape: z.array(count) }))
    .describe('Tensors that belong to no recurrent module.'),
});

/** The document that `cellcheck list --reporter json` writes. */
export const LIST_SCHEMA = z.strictObject({
  version: z.literal(1),
  cellcheck: z.string(),
  files: z.array(z.union([listed, z.strictObject({ file: z.string(), error })])),
});
