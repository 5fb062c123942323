import { CellcheckError } from '../src/errors.js';

/** What an error says, line by line. */
export function linesOf(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof CellcheckError) return error.message.split('\n');
    throw error;
  }
  return [];
}
