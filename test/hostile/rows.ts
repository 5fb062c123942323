import fs from 'node:fs';
import path from 'node:path';
import { lstmBundle, type RawTensor, safetensorsBytes } from '../write.js';
import type { HostileCase } from './corpus.js';

/** The content of a file; a function where it is large, so that it is made when it is needed. */
type Content = string | Uint8Array | (() => string | Uint8Array);

export type Row = readonly [name: string, content: Content, exit: 0 | 1 | 2, ...says: string[]];

export const BUNDLE: Readonly<Record<string, RawTensor>> = lstmBundle();
const { input, h_0, c_0, output, h_n, c_n, ...weights } = BUNDLE;

/** A bundle in parts: what is computed from, and what is compared. */
export const WEIGHTS: Readonly<Record<string, RawTensor>> = weights;
export const CASE: Readonly<Record<string, RawTensor>> = { input, h_0, c_0, output, h_n, c_n };

const CASE_FILE = 'case.safetensors';
export const CASE_BYTES = safetensorsBytes(CASE);

/** Among what a message must say: that it names another file, which is at fault. */
export const ELSEWHERE = '';

/** How a file is used: it is a whole case, or one of the three files of a case. */
const USES = {
  case: (file: string) => [file],
  weights: (file: string) => ['--weights', file, '--input', CASE_FILE, '--expected', CASE_FILE],
  expected: (file: string) => ['--weights', CASE_FILE, '--input', CASE_FILE, '--expected', file],
} as const;

/** Cases of one format, whose messages must name the file. */
export function casesOf(
  format: string,
  file: string,
  use: keyof typeof USES,
  rows: readonly Row[],
  beside: Readonly<Record<string, string | Uint8Array>> = {},
): HostileCase[] {
  const others = {
    ...(use !== 'case' && { [CASE_FILE]: use === 'expected' ? safetensorsBytes(BUNDLE) : CASE_BYTES }),
    ...beside,
  };
  return rows.map(([name, content, exit, ...says]) => ({
    name: `${format}: ${name}`,
    argv: USES[use](file),
    exit,
    says:
      exit === 0
        ? ['parity', ...says]
        : exit === 1
          ? ['differs', ...says]
          : says.includes(ELSEWHERE)
            ? says
            : [file, ...says],
    hides: ['root:'],
    ...(typeof content === 'function'
      ? { files: others, make: (folder: string) => fs.writeFileSync(path.join(folder, file), content()) }
      : { files: { [file]: content, ...others } }),
  }));
}
