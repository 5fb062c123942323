import { openForWriting } from '../files/write.js';
import { REPORT_COLUMNS } from '../report/reporter.js';
import type { Terminal } from '../report/style.js';
import { colorOf, columnsOf, type Io } from './io.js';
import type { ReportTarget } from './options.js';

export const TABLE_ON_STDOUT: readonly ReportTarget[] = [{ name: 'table' }];

/** A report's target, opened. */
export interface OpenTarget extends ReportTarget {
  readonly terminal: Terminal;
  readonly write: (text: string) => void;
}

/**
 * Opens a target right away, so that a file that cannot be written is an error before the work.
 * @throws CellcheckError
 */
export function openTarget(target: ReportTarget, { color }: { readonly color: boolean }, io: Io): OpenTarget {
  if (target.file !== undefined) {
    const terminal = { columns: REPORT_COLUMNS, color: false };
    return { ...target, terminal, write: openForWriting(target.file, io.cwd) };
  }
  return {
    ...target,
    terminal: { columns: columnsOf(io), color: colorOf(io, color) },
    write: io.stdout.write,
  };
}
