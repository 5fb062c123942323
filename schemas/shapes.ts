import * as z from 'zod/mini';
import './jitless.js';

/** One dimension of the shape that a tensor must have: any positive size, one size, or one of several. */
export interface Dimension {
  /** As PyTorch's documentation calls it: `input_size`. */
  readonly label: string;
  readonly size?: number | readonly number[];
}

/** The name of a tensor, and the shape that it must have. */
export interface NamedShape {
  readonly name: string;
  readonly dimensions: readonly Dimension[];
  readonly optional?: boolean;
}

export type ShapeIssue =
  | { readonly kind: 'missing' | 'misshapen'; readonly shape: NamedShape }
  | { readonly kind: 'unexpected'; readonly name: string };

function dimension({ size }: Dimension) {
  if (size === undefined) return z.int().check(z.positive());
  return typeof size === 'number' ? z.literal(size) : z.literal([...size]);
}

/** Schemas of shapes by their sizes: they take longer to make than to use, and the cases of a suite are alike. */
const known = new Map<string, z.ZodMiniType>();
const MOST_KNOWN = 256;

function shapeSchema(dimensions: readonly Dimension[]): z.ZodMiniType {
  const key = dimensions.map(({ size }) => (typeof size === 'object' ? size.join('|') : size)).join();
  const schema =
    known.get(key) ?? z.tuple(dimensions.map(dimension) as unknown as [z.ZodMiniType, ...z.ZodMiniType[]]);
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(key, schema);
  return schema;
}

/**
 * Compares the shapes that were found with those that a module's sizes require. Everything missing, unexpected and
 * misshapen is reported at once, in the manner of `load_state_dict(strict=True)`.
 */
export function shapeIssues(
  expected: readonly NamedShape[],
  found: ReadonlyMap<string, readonly number[]>,
): ShapeIssue[] {
  const issues: ShapeIssue[] = [];
  for (const shape of expected) {
    const sizes = found.get(shape.name);
    if (!sizes && !shape.optional) issues.push({ kind: 'missing', shape });
    if (sizes && !shapeSchema(shape.dimensions).safeParse(sizes).success)
      issues.push({ kind: 'misshapen', shape });
  }
  const names = new Set(expected.map(({ name }) => name));
  for (const name of found.keys()) if (!names.has(name)) issues.push({ kind: 'unexpected', name });
  return issues;
}

/** `[T, B, input_size] = [T, B, 40]` */
export function formatDimensions(dimensions: readonly Dimension[]): string {
  const labels = dimensions.map(({ label }) => label);
  const sizes = dimensions.map(({ label, size }) =>
    size === undefined ? label : [size].flat().join(' or '),
  );
  return `[${labels.join(', ')}] = [${sizes.join(', ')}]`;
}
