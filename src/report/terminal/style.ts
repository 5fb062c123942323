import { Chalk } from 'chalk';

/** How a terminal looks: its width, and whether it has colours. Colour adds to what the words say. */
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

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what they begin with
const ESCAPES = /\x1b\[\d+m/g;

/** How many characters a text takes on the screen: the escape sequences of colours take none. */
export function visibleLength(text: string): number {
  return text.includes('\x1b') ? text.replace(ESCAPES, '').length : text.length;
}
