/**
 * What sort of error it is, to branch on:
 * `argument`: a function of the library got something else than it takes.
 * `option`: an option has no such value, or does not go with the others.
 * `file`: a file cannot be read or written.
 * `format`: a file is not what its format says, or of a format that is not read.
 * `case`: the tensors, names and options of a case do not fit together.
 * `internal`: an error in cellcheck itself.
 */
export type ErrorCode = 'argument' | 'option' | 'file' | 'format' | 'case' | 'internal';

/** Where an error is, what it expected and what to try; every part may hold text from a file. */
export interface ErrorParts {
  /** `case` if absent. */
  code?: ErrorCode;
  /** The file (or case) that holds the fault. */
  file?: string;
  /** The tensor or the field inside it. */
  tensor?: string;
  /** What is there, and what should be: shapes in brackets, or words. */
  found?: string;
  expected?: string;
  /** The sentence that stands for found and expected where those don't fit. */
  problem?: string;
  /** Further lines: the reason, and what to try. */
  hints?: readonly string[];
}

/**
 * The one error that cellcheck throws on purpose: nothing could be compared, and this is why.
 * Its message is one line, then a line for each hint, and safe to print: text from a file is escaped.
 */
export class CellcheckError extends Error {
  override readonly name = 'CellcheckError';
  readonly code: ErrorCode;
  readonly parts: ErrorParts;

  constructor(parts: ErrorParts) {
    const place = [parts.file, parts.tensor].filter((part) => part !== undefined).map(printable);
    const problem =
      parts.problem ??
      [
        parts.found !== undefined ? `found ${parts.found}` : undefined,
        parts.expected !== undefined ? `expected ${parts.expected}` : undefined,
      ]
        .filter((part) => part !== undefined)
        .join(', ');
    const lines = [[...place, problem].join(': '), ...(parts.hints ?? []).map((hint) => `  ${hint}`)];
    super(lines.map(escapeText).join('\n'));
    this.code = parts.code ?? 'case';
    this.parts = parts;
  }
}

/** The error for what nothing a user does should lead to; one line, and no verdict. */
export function internalError(file: string | undefined, error: unknown): CellcheckError {
  const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
  const problem = `an error in cellcheck itself: ${printable(reason)}`;
  return new CellcheckError({
    code: 'internal',
    file,
    problem,
    hints: ['Please report it, with the command.'],
  });
}

/**
 * Runs a reader that sees bytes and knows no path, and names the file in what it throws.
 * @param code of errors that have none of their own
 */
export function inFile<T>(file: string | undefined, read: () => T, code?: ErrorCode): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof CellcheckError)) throw error;
    const { parts } = error;
    if (parts.file !== undefined && (parts.code !== undefined || code === undefined)) throw error;
    throw new CellcheckError({ ...parts, file: parts.file ?? file, code: parts.code ?? code });
  }
}

const MOST_ERRORS = 20;

/** A case has several faults of one sort; each is an error of its own, reported together. */
export function joinErrors(errors: readonly CellcheckError[]): CellcheckError {
  if (errors.length === 1) return errors[0];
  const [first, ...rest] = errors;
  const hints = (error: CellcheckError) => error.parts.hints ?? [];
  const more = rest.length - MOST_ERRORS;
  return new CellcheckError({
    ...first.parts,
    hints: [
      ...hints(first),
      ...rest.slice(0, MOST_ERRORS).flatMap((error) => {
        const [head] = error.message.split('\n');
        return [head, ...hints(error).map((hint) => `  ${hint}`)];
      }),
      ...(more > 0 ? [`… and ${more} more`] : []),
    ],
  });
}

// Letters, marks, numbers, punctuation, symbols and the plain space are shown. Everything else could move the
// cursor, start a terminal sequence, forge a line or hide: controls, format characters (bidirectional marks,
// zero-width, tags), line and paragraph separators, lone surrogates.
const UNPRINTABLE = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu;
const PLAIN_NAME = /^[\p{L}\p{N}_./\\@+~*:=,()[\]-]+$/u;
const LONGEST_NAME = 200;

// What CI systems take for commands: GitHub at the beginning of a line, where wrapping may put any word; Azure, TeamCity
// and GitHub's older form anywhere (##[…], ##vso[…]).
const COMMANDS = /(?<=^| ):(?=:)|(?<=#)#(?=[a-z]*\[)/gi;

const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Text with everything escaped that a terminal would not show as it is, or a CI system would not only show. */
export function escapeText(text: string): string {
  return text
    .replace(UNPRINTABLE, (character) => character.split('').map(escaped).join(''))
    .replace(COMMANDS, escaped);
}

/** Text of at most 200 characters. */
export function shortened(text: string): string {
  return text.length > LONGEST_NAME ? `${text.slice(0, LONGEST_NAME)}…` : text;
}

/** Text from a file or a command line, as one printable line of at most 200 characters, in quotes unless plain. */
export function printable(text: string): string {
  const cut = shortened(text);
  if (PLAIN_NAME.test(cut) && !cut.startsWith(':')) return escapeText(cut);
  return `"${escapeText(cut.replace(/["\\]/g, '\\$&'))}"`;
}
