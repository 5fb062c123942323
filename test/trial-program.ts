import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { bundleProgram } from '../bundle.js';
import { ROOT } from './cli.js';

// The program with something added, as a contributor would add it: a file of its own, and its name in a registry. It is
// bundled as the build does it, and run.

const COPIED = ['src', 'schemas', 'bin', 'package.json'];

/** What is added to the program: a file under test/, where it goes, and how the registry changes. */
export interface Addition {
  readonly file: string;
  readonly into: string;
  readonly registry: string;
  readonly change: (text: string) => string;
}

/** Builds a copy of the program in a folder, with an addition or without. */
export async function buildProgram(root: string, addition?: Addition): Promise<void> {
  for (const name of COPIED) fs.cpSync(path.join(ROOT, name), path.join(root, name), { recursive: true });
  fs.symlinkSync(path.join(ROOT, 'node_modules'), path.join(root, 'node_modules'), 'junction');
  if (addition) add(root, addition);
  await bundleProgram(root);
}

function add(root: string, { file, into, registry, change }: Addition): void {
  const from = path.dirname(path.join('test', file));
  const text = fs.readFileSync(path.join(ROOT, 'test', file), 'utf8');
  const moved = text.replaceAll(/from '(\.[^']*)'/g, (_, target) => {
    const relative = path.posix.relative(into, path.posix.join(from, target));
    return `from '${relative.startsWith('.') ? relative : `./${relative}`}'`;
  });
  fs.writeFileSync(path.join(root, into, path.basename(file)), moved);
  const place = path.join(root, registry);
  fs.writeFileSync(place, change(fs.readFileSync(place, 'utf8')));
}

/** Runs such a program. */
export function runProgram(root: string, cwd: string, ...argv: string[]) {
  const bin = path.join(root, 'bin', 'cellcheck.cjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...argv], { cwd, encoding: 'utf8' });
  return { status, stdout, stderr, output: stdout + stderr };
}
