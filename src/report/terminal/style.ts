import { Chalk } from 'chalk';

/** A terminal's width, and whether to use colours; no information is in colours alone. */
export interface Terminal {
  readonly columns: number;
  readonly color: boolean;
}

export interface Style {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly open: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly strong: (text: string) => string;
}

export function styleFor({ color }: Terminal): Style {
  const chalk = new Chalk({ level: color ? 1 : 0 });
  return { good: chalk.green, bad: chalk.red, open: chalk.yellow, dim: chalk.dim, strong: chalk.bold };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const ESCAPES = /\x1b\[\d+m/g;

/** The number of characters that a text takes on the screen, without the escape sequences of colours. */
export function visibleLength(text: string): number {
  return text.includes('\x1b') ? text.replace(ESCAPES, '').length : text.length;
}
