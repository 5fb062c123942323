import { CellcheckError, listed, printable } from '../errors.js';
import type { Format, Signature } from './format.js';
import { FORMATS } from './formats.js';
import { UNSUPPORTED } from './unsupported.js';

const PLAIN_ENDINGS = FORMATS.flatMap(({ holds, endings }) => (holds === undefined ? endings : []));

/** `.safetensors or .json`: what a bundle's name may end in. */
export const BUNDLE_ENDINGS = listed(PLAIN_ENDINGS, ' or ');

/** `.safetensors, .json or .txt`: what the name of a file that is read may end in. */
export const READ_ENDINGS = listed(
  FORMATS.flatMap(({ endings }) => endings),
  ' or ',
);

const WHAT_IS_READ = `cellcheck reads ${listed(
  [
    `${listed(PLAIN_ENDINGS, ' and ')} files`,
    ...FORMATS.flatMap(({ holds, endings }) => (holds ? [`${listed(endings, ' and ')} with ${holds}`] : [])),
  ],
  ', and ',
)}.`;

/** Endings of files that hold tensors, whether cellcheck reads them or not. No other file should have such a name. */
export const TENSOR_ENDINGS: readonly string[] = [
  ...FORMATS.flatMap(({ text, endings }) => (text ? [] : endings)),
  // They say which file of a large checkpoint holds which tensor.
  '.safetensors.index.json',
  '.bin.index.json',
  ...UNSUPPORTED.flatMap(({ endings }) => endings),
];

/** How many first bytes `detectFormat` looks at. */
export const HEAD_BYTES = 64;

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
  const found = byMagic.find(hasEnding) ?? byMagic[0] ?? KNOWN.find(hasEnding);
  if (found && 'what' in found) {
    const hints = found.hints.map((hint) => withName(hint, path));
    throw new CellcheckError({ problem: `is ${found.what}`, hints });
  }
  if (head === '') throw new CellcheckError({ problem: 'is empty', hints: [WHAT_IS_READ] });
  const format = found ?? FORMATS.find(({ looksLike }) => looksLike?.(head));
  if (format) return format;
  throw new CellcheckError({
    problem: 'is of a format that cellcheck does not know',
    hints: [WHAT_IS_READ],
  });
}

function withName(hint: string, path: string): string {
  // The hint is a line of Python; a path must not end the string that it stands in.
  const file = printable(path).replace(/^"|"$/g, '').replaceAll("'", "\\'");
  const stem = file.replace(/\.[^./\\]*$/, '');
  return hint.replace('FILE', () => file).replace('STEM', () => stem);
}
