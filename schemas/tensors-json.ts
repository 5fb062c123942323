import * as z from 'zod';

// The scanner has checked that the values are numbers; going through millions of them again would buy nothing.
const values = z.custom<readonly number[]>(Array.isArray);

/** A nested array as the JSON scanner hands it over. */
const nestedArray = z.object({ shape: z.array(z.number()), values });

/** A flat list inside an object: the sizes of a shape, or its values in row-major order. */
const sizes = z.object({ shape: z.tuple([z.number()]), values: z.array(z.int().nonnegative()) });
const flatArray = z.object({ shape: z.tuple([z.number()]), values });

const described = z
  .strictObject({ dtype: z.string(), shape: sizes, data: flatArray })
  .transform(({ dtype, shape, data }) => ({ dtype, shape: shape.values, values: data.values }));

export interface TensorEntry {
  dtype?: string;
  shape: readonly number[];
  values: readonly number[];
}

const tensorEntry: z.ZodType<TensorEntry> = z.union([nestedArray, described]);

/** One tensor of a JSON file, or undefined where the value has neither of the two forms. */
export function parseTensorEntry(value: unknown): TensorEntry | undefined {
  return tensorEntry.safeParse(value).data;
}
