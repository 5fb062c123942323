import * as z from 'zod/mini';
import './jitless.js';
import { naturals } from './tensors-json.js';

/** Bits per element of every dtype in the format, as the Rust library of safetensors 0.8.0 names them. */
export const SAFETENSORS_BITS = {
  BOOL: 8,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  I64: 64,
  U64: 64,
  F64: 64,
  C64: 64,
} as const;

export type SafetensorsDtype = keyof typeof SAFETENSORS_BITS;

const headerEntry = z.object({
  dtype: z.enum(Object.keys(SAFETENSORS_BITS) as [SafetensorsDtype, ...SafetensorsDtype[]]),
  shape: naturals,
  data_offsets: z.pipe(naturals, z.tuple([z.number(), z.number()])),
});

export type SafetensorsEntry = z.infer<typeof headerEntry>;

const EXPECTED: Readonly<Record<keyof SafetensorsEntry, string>> = {
  dtype: 'a dtype of the safetensors format, as F32',
  shape: 'a list of sizes, integers from 0 on',
  data_offsets: 'two integers, begin and end',
};

/** The description of a tensor in a safetensors header; or which field is wrong, and what it should be. */
export function parseHeaderEntry(value: unknown): SafetensorsEntry | { field: string; expected: string } {
  const parsed = headerEntry.safeParse(value);
  if (parsed.success) return parsed.data;
  const field = parsed.error.issues[0].path[0] as keyof SafetensorsEntry | undefined;
  if (field === undefined) return { field: '', expected: 'an object with dtype, shape and data_offsets' };
  return { field, expected: EXPECTED[field] };
}

const metadata = z.nullable(z.record(z.string(), z.string()));

/** The `__metadata__` of a safetensors file, strings by name; undefined where it is anything else. */
export function parseHeaderMetadata(value: unknown): Record<string, string> | undefined {
  const parsed = metadata.safeParse(value);
  return parsed.success ? (parsed.data ?? {}) : undefined;
}
