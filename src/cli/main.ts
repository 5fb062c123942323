import type { Sink } from './io.js';
import { run } from './run.js';

/** The command line of this process. */
export async function main(): Promise<void> {
  process.once('SIGINT', () => process.exit(130));
  process.stdout.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE')
      process.stderr.write('cellcheck: stdout was closed before the report was written\n');
    else process.stderr.write(`cellcheck: stdout cannot be written (${error.code})\n`);
    process.exit(2);
  });
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
