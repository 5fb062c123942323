import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** What a name in a file may do to a terminal, a log or a program. */
export const WICKED_NAMES: readonly (readonly [what: string, name: string])[] = [
  ['an escape sequence', '\u001b[2J\u001b[31m'],
  ['a title for the terminal', '\u001b]0;x\u0007'],
  ['a link', '\u001b]8;;http://x\u001b\\'],
  ['a control character of one byte', '\u009b2J'],
  ['a forged line', 'x\nparity    64 of 64 values\n'],
  ['a command to a CI system', '\n::error::x'],
  ['a carriage return', 'x\rok'],
  ['text from right to left', '\u202etxt'],
  ['characters without width', 'a\u200b\u2060b\u{e0041}'],
  ['a line separator', 'a\u2028b'],
  ['5000 characters', 'x'.repeat(5000)],
];

/** Names that every object of JavaScript has. */
export const INHERITED = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'];

/** A file that a pickle would make if anything in it were run. It is never made. */
export const CANARY = path.join(os.tmpdir(), 'cellcheck-canary');
export const wasRun = () => fs.existsSync(CANARY);
