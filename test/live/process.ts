import { spawn } from 'node:child_process';
import path from 'node:path';
import { ROOT } from '../cli.js';

const BIN = path.join(ROOT, 'bin', 'cellcheck.cjs');
// At exit writes the peak memory of the process, in KB, to a fourth stream. (The value of getrusage would include the
// memory of the parent.)
const PROBE = `data:text/javascript,${encodeURIComponent(
  `import fs from 'node:fs';
  process.on('exit', () => fs.writeSync(3, /VmHWM:\\s+(\\d+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]));`,
)}`;

export interface Measured {
  /** Null where the process was killed. */
  readonly code: number | null;
  /** stdout and stderr together. */
  readonly output: string;
  readonly seconds: number;
  readonly megabytes: number;
}

/** Runs the built program in a separate process, which is killed if it takes more than `patience` seconds. */
export async function measured(argv: readonly string[], cwd: string, patience = 60): Promise<Measured> {
  const started = performance.now();
  const child = spawn(process.execPath, ['--import', PROBE, BIN, ...argv], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    timeout: patience * 1000,
    killSignal: 'SIGKILL',
  });
  let output = '';
  let kilobytes = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stdio[3]!.on('data', (bytes: Buffer) => {
    kilobytes += bytes;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    code,
    output,
    seconds: (performance.now() - started) / 1000,
    megabytes: Number(kilobytes) / 1024,
  };
}
