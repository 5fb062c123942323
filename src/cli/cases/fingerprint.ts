import { createHash } from 'node:crypto';

/** Sixteen characters that are the same for the same value. */
export function fingerprint(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
}
