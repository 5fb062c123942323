import { spawn } from 'node:child_process';
import path from 'node:path';
import { ROOT } from '../cli.js';

const BIN = path.join(ROOT, 'bin', 'cellcheck.cjs');
// At exit writes the peak memory of the process, in KB, and its processor time, in µs, to a fourth stream. (The memory of
// getrusage would include that of the parent.)
const PROBE = `data:text/javascript,${encodeURIComponent(
  `import fs from 'node:fs';
  process.on('exit', () => {
    const memory = /VmHWM:\\s+(\\d+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1];
    const { user, system } = process.cpuUsage();
    fs.writeSync(3, memory + ' ' + (user + system));
  });`,
)}`;

export interface Measured {
  /** Null where the process was killed. */
  readonly code: number | null;
  /** stdout and stderr together. */
  readonly output: string;
  /** The processor time of all its threads: a busy machine makes it wait, which is not its own doing. NaN if killed. */
  readonly seconds: number;
  readonly megabytes: number;
}

/** Runs the built program in a separate process, which is killed if it takes more than `patience` seconds. */
export async function measured(argv: readonly string[], cwd: string, patience = 60): Promise<Measured> {
  const child = spawn(process.execPath, ['--import', PROBE, BIN, ...argv], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    timeout: patience * 1000,
    killSignal: 'SIGKILL',
  });
  let output = '';
  let atExit = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stdio[3]!.on('data', (bytes: Buffer) => {
    atExit += bytes;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const [kilobytes, microseconds] = atExit.split(' ').map(Number);
  return { code, output, seconds: microseconds / 1e6, megabytes: kilobytes / 1024 };
}
