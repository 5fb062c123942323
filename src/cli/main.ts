import type { Sink } from './io.js';
import { run } from './run.js';

/** The command line of this process. */
export async function main(): Promise<void> {
  process.stdout.once('error', ({ code }: NodeJS.ErrnoException) => {
    const closed =
      code === 'EPIPE' ? 'was closed before the report was written' : `cannot be written (${code})`;
    process.stderr.write(`cellcheck: stdout ${closed}\n`);
    process.exit(2);
  });
  process.stderr.once('error', () => process.exit(2));
  process.exitCode = await run(process.argv.slice(2), {
    stdout: sink(process.stdout),
    stderr: sink(process.stderr),
    env: process.env,
    cwd: process.cwd(),
  });
}

function sink(stream: NodeJS.WriteStream): Sink {
  return { write: (text) => stream.write(text), isTTY: stream.isTTY ?? false, columns: stream.columns };
}
