import * as z from 'zod/mini';
import './jitless.js';

// The JSON parser only puts numbers into it, and checking millions of them again would take time.
const values = z.instanceof(Float64Array);

/** A nested array as the JSON parser returns it. */
const nestedArray = z.object({ shape: z.array(z.number()), values });

/** A flat list of values in row-major order. */
const flatArray = z.object({ shape: z.tuple([z.number()]), values });

// PyTorch's own limit.
const MOST_DIMENSIONS = 64;

/** A flat list of sizes or offsets: integers that are not negative. */
export const naturals = z.pipe(
  z.pipe(
    flatArray.check(z.refine((list) => list.values.length <= MOST_DIMENSIONS)),
    z.transform((list: z.infer<typeof flatArray>) => [...list.values]),
  ),
  z.array(z.int().check(z.nonnegative())),
);

const described = z.pipe(
  z.strictObject({ dtype: z.string(), shape: naturals, data: flatArray }),
  z.transform(({ dtype, shape, data }) => ({ dtype, shape, values: data.values })),
);

export interface TensorEntry {
  dtype?: string;
  shape: readonly number[];
  values: Float64Array;
}

const tensorEntry: z.ZodMiniType<TensorEntry> = z.union([nestedArray, described]);

/** One tensor of a JSON file; undefined where the value has neither of the two forms. */
export function parseTensorEntry(value: unknown): TensorEntry | undefined {
  return tensorEntry.safeParse(value).data;
}
