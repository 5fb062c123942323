/**
 * The kind of an error, to branch on:
 * `argument`: a function of the library was called with a wrong argument.
 * `option`: an option does not take this value, or cannot be combined with another.
 * `file`: a file cannot be read or written.
 * `format`: a file violates its format, or its format is not supported.
 * `case`: the tensors, names and options of a case do not fit together.
 * `internal`: an error in cellcheck itself.
 */
export type ErrorCode = 'argument' | 'option' | 'file' | 'format' | 'case' | 'internal';

/** Where an error is, what was expected there and what to try. Every part may contain text from a file. */
export interface ErrorParts {
  /** `case` if absent. */
  code?: ErrorCode;
  /** The file or case with the error. */
  file?: string;
  /** The tensor or the field inside it. */
  tensor?: string;
  /** What is there, and what should be there: shapes in brackets, or words. */
  found?: string;
  expected?: string;
  /** A sentence instead of `found` and `expected`. */
  problem?: string;
  /** Further lines: the reason, and what to try. */
  hints?: readonly string[];
}

/**
 * The error that cellcheck throws on purpose (`tensor` alone throws RangeError). Its message is one line, followed by a line for each hint, and safe to
 * print: text from files is escaped.
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

/** Wraps an unexpected error, which is a bug in cellcheck. */
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
 * Calls a function that reads a file's contents, and adds the file's name to the errors that it throws.
 * @param code for errors without one
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

/** Several errors of the same kind as one, with a line for each. */
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

// Everything but letters, marks, numbers, punctuation, symbols and the plain space. It could move the cursor, start a
// terminal sequence, forge a line or be invisible: control characters, format characters (bidirectional marks,
// zero-width characters, tags), line and paragraph separators, lone surrogates.
const UNPRINTABLE = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu;
const PLAIN_NAME = /^(?![:#])[\p{L}\p{N}_./\\@+~*:=,()[\]#-]+$/u;
const LONGEST_NAME = 200;

// Commands of CI systems: of GitHub at the beginning of a line (or of a word, since a line may wrap there); of Azure,
// TeamCity and GitHub's older form anywhere (##[…], ##vso[…]).
const COMMANDS = /(?<=^| ):(?=:)|(?<=#)#(?=[a-z]*\[)/gi;

const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Text with everything escaped that a terminal would not print as it is, or a CI system would run as a command. */
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
  if (PLAIN_NAME.test(cut)) return escapeText(cut);
  return `"${escapeText(cut.replace(/["\\]/g, '\\$&'))}"`;
}

/** `a, b or c`, where the last separator is ` or `. */
export function listed(items: readonly string[], lastSeparator: string): string {
  return [items.slice(0, -1).join(', '), ...items.slice(-1)].filter(Boolean).join(lastSeparator);
}
