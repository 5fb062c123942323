import fs from 'node:fs';
import path from 'node:path';
import { JSON_CASES } from './json-files.js';
import { NUMBERS_CASES } from './numbers-files.js';
import { NUMPY_CASES } from './numpy-files.js';
import { ONNX_CASES } from './onnx-files.js';
import { SAFETENSORS_CASES } from './safetensors-files.js';
import { SPECIAL_CASES } from './special-files.js';
import { TEXT_CASES } from './texts.js';
import { TORCH_CASES } from './torch-files.js';
import { ZIP_CASES } from './zip-files.js';

/** A file, or several, that somebody may send, and what cellcheck must say to it. */
export interface HostileCase {
  readonly name: string;
  /** Content by file name, or a function that makes what is not a plain file. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly make?: (folder: string) => void;
  /** After `verify`; the only file if absent. */
  readonly argv?: readonly string[];
  readonly exit: 0 | 1 | 2;
  /** What the message must name: the file comes by itself where there is only one. */
  readonly says: readonly string[];
  /** Text of a file that must not be shown as it is. */
  readonly hides?: readonly string[];
}

export const CORPUS: readonly HostileCase[] = [
  ...SAFETENSORS_CASES,
  ...JSON_CASES,
  ...TEXT_CASES,
  ...SPECIAL_CASES,
  ...TORCH_CASES,
  ...NUMPY_CASES,
  ...ONNX_CASES,
  ...NUMBERS_CASES,
  ...ZIP_CASES,
];

/** Puts a case into an empty folder and returns the command line that goes with it. */
export function lay({ files = {}, make, ...hostile }: HostileCase, folder: string): string[] {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
  }
  make?.(folder);
  return ['verify', ...argvOf({ files, ...hostile })];
}

/** What stands after the command. */
export function argvOf({ files = {}, argv }: Pick<HostileCase, 'files' | 'argv'>): readonly string[] {
  return argv ?? Object.keys(files).slice(0, 1);
}

/** What is wrong with an answer, whatever the case. */
export function faults({ exit, says, hides = [] }: HostileCase, code: number, output: string): string[] {
  return [
    ...(code === exit ? [] : [`exit ${code} in the place of ${exit}`]),
    ...says.filter((text) => !output.includes(text)).map((text) => `does not say ${JSON.stringify(text)}`),
    ...hides.filter((text) => output.includes(text)).map((text) => `shows ${JSON.stringify(text)}`),
    ...(/[^\P{C}\n]|[\u2028\u2029]/u.test(output) ? ['has control or format characters'] : []),
    ...(/^\s+at .*[:(]\d+|node:internal/m.test(output) ? ['has a stack trace'] : []),
    ...(/in cellcheck itself/.test(output) ? ['is an internal error'] : []),
    ...(/^\s*::/m.test(output) ? ['has a line that is a command to a CI system'] : []),
    ...(output.length > 20_000 ? [`is ${output.length} characters long`] : []),
  ];
}
