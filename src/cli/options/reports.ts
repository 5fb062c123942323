import { CellcheckError } from '../../errors.js';
import { openWriter, samePath, type Writer } from '../../files/write.js';
import { REPORT_COLUMNS } from '../../report/reporter.js';
import type { Terminal } from '../../report/terminal/style.js';
import { colorOf, columnsOf, type Io } from '../io.js';
import type { ReportTarget } from './parsers.js';

export const TABLE_ON_STDOUT: readonly ReportTarget[] = [{ name: 'table' }];

/** A report's target, opened. */
export interface OpenTarget extends ReportTarget {
  readonly terminal: Terminal;
  readonly write: (text: string) => void;
}

/**
 * Runs a command with its targets opened right away, so that a file that cannot be written is an error before the work.
 * What is written to files is put in their places when the command has come to its end, and else nothing is left of it.
 * @param inputs files that are going to be read, where that is known: no report is written over them
 * @throws CellcheckError
 */
export async function withTargets<T>(
  targets: readonly ReportTarget[],
  { color, inputs }: { readonly color: boolean; readonly inputs: readonly string[] },
  io: Io,
  run: (targets: readonly OpenTarget[]) => Promise<T>,
): Promise<T> {
  const writers: Writer[] = [];
  try {
    const open = targets.map((target, i): OpenTarget => {
      const { file } = target;
      if (file === undefined)
        return {
          ...target,
          terminal: { columns: columnsOf(io), color: colorOf(io, color) },
          write: io.stdout.write,
        };
      if (targets.some((other, j) => j < i && other.file !== undefined && samePath(other.file, file, io.cwd)))
        throw new CellcheckError({ file, problem: 'is named by two reporters; give each its own' });
      const writer = openWriter(file, { cwd: io.cwd, replace: true, inputs });
      writers.push(writer);
      return { ...target, terminal: { columns: REPORT_COLUMNS, color: false }, write: writer.write };
    });
    const result = await run(open);
    while (writers.length) writers.shift()!.finish();
    return result;
  } finally {
    for (const writer of writers) writer.discard();
  }
}
