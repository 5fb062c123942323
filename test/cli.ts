import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { run } from '../src/cli/run.js';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const SAMPLES = path.join(ROOT, 'samples');

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd?: string;
  readonly columns?: number;
  readonly tty?: boolean;
  readonly env?: Record<string, string>;
}

/** Runs a command line in this process, and captures its output. */
export async function cli(argv: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const { cwd = ROOT, columns, tty = false, env = {} } = options;
  const texts = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      texts[name] += text;
    },
    isTTY: tty,
    columns,
  });
  const speed = { threads: 1 };
  const code = await run(argv, { stdout: sink('stdout'), stderr: sink('stderr'), env, cwd, speed });
  return { code, ...texts };
}

/** An empty folder that is removed after the test. */
export function scratch(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cellcheck-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A copy of a sample that the test may change. */
export function copySample(name: string): string {
  const folder = path.join(scratch(), path.basename(name));
  fs.cpSync(path.join(SAMPLES, name), folder, { recursive: true });
  return folder;
}

export function sampleNames(folder = ''): string[] {
  return fs
    .readdirSync(path.join(SAMPLES, folder))
    .filter((name) => fs.existsSync(path.join(SAMPLES, folder, name, 'case.json')))
    .map((name) => path.join(folder, name));
}
