import { CellcheckError, listed } from '../errors.js';
import type { Format, Signature } from './format.js';
import { FORMATS } from './formats.js';
import { shards } from './shards.js';
import { UNSUPPORTED } from './unsupported.js';

// The first ending of each format stands for all of them in messages.
const PLAIN_ENDINGS = FORMATS.flatMap(({ holds, endings: [ending] }) => (holds === undefined ? ending : []));

/** `.safetensors or .json`: what a bundle's name may end in. */
export const BUNDLE_ENDINGS = listed(PLAIN_ENDINGS, ' or ');

const WHAT_IS_READ = `cellcheck reads ${listed(
  [
    `${listed(PLAIN_ENDINGS, ' and ')} files`,
    ...FORMATS.flatMap(({ holds, endings: [ending] }) => (holds ? [`${ending} with ${holds}`] : [])),
  ],
  ', and ',
)}.`;

/** Endings of files that hold tensors, whether cellcheck reads them or not. No other file should have such a name. */
export const TENSOR_ENDINGS: readonly string[] = [
  ...FORMATS.flatMap(({ text, endings }) => (text ? [] : endings)),
  ...shards.endings,
  ...UNSUPPORTED.flatMap(({ endings }) => endings),
];

/** How many first bytes `detectFormat` looks at. */
export const HEAD_BYTES = 512;

// Formats come first: where one is added whose files were unsupported before, it takes them over.
const KNOWN = [...FORMATS, ...UNSUPPORTED];

/**
 * The format of a file. Magic bytes decide; else its ending does; else it is the format that the first bytes look like.
 * @throws CellcheckError that says how to convert what cellcheck does not read
 */
export function detectFormat(path: string, firstBytes: Uint8Array): Format {
  const head = String.fromCharCode(...firstBytes.subarray(0, HEAD_BYTES));
  const name = path.toLowerCase();
  const hasEnding = ({ endings }: Signature) => endings.some((ending) => name.endsWith(ending));
  // Several formats are archives of one kind, and begin alike: then the ending decides.
  const byMagic = KNOWN.filter(({ magic }) => magic?.some((bytes) => head.startsWith(bytes)));
  const byEnding = withLongestEnding(name);
  const looksRight = (format: Signature & Partial<Format>) => format.looksLike?.(head) ?? false;
  const found =
    byMagic.find(hasEnding) ??
    byMagic[0] ??
    byEnding.find(looksRight) ??
    byEnding.filter((format) => 'open' in format).at(-1) ??
    byEnding[0];
  if (found && 'what' in found) {
    throw new CellcheckError({ problem: `is ${found.what}`, hints: found.hints });
  }
  if (head === '') throw new CellcheckError({ problem: 'is empty', hints: [WHAT_IS_READ] });
  const format = found ?? FORMATS.find(({ looksLike }) => looksLike?.(head));
  if (format) return format;
  throw new CellcheckError({
    problem: 'is of a format that cellcheck does not know',
    hints: [WHAT_IS_READ],
  });
}

/** The formats with the longest ending that a name has: `.index.json` is more than `.json`. */
function withLongestEnding(name: string) {
  const lengthIn = ({ endings }: Signature) =>
    endings.reduce(
      (longest, ending) => (name.endsWith(ending) ? Math.max(longest, ending.length) : longest),
      0,
    );
  const longest = KNOWN.reduce((length, format) => Math.max(length, lengthIn(format)), 1);
  return KNOWN.filter((format) => lengthIn(format) === longest);
}
