import { CellcheckError } from '../errors.js';
import type { Case } from '../module/case.js';
import { findCases } from './find-cases.js';
import { type CasePaths, type LoadOptions, loadCaseAt, loadFiles } from './load-case.js';

/**
 * Loads a case from the disk: a folder with a case.json, a case file, a bundle, or three files. Of its weights only
 * the headers are read; the tensors follow when `verify` or `forward` asks for them.
 * @param source a path, or `{ weights, input, expected }`
 * @param options `cwd`: what paths are relative to, and the folder that a case may name files in beside its own (the
 *   process's if absent); `allowOutside`: lets it name files anywhere; `names`: tensors with other names, ours → theirs;
 *   `expectedOptional`: lets a case do without expected outputs
 * @throws CellcheckError that names file, tensor, and what to try
 */
export async function loadCase(
  source: string | CasePaths,
  options: Partial<LoadOptions> = {},
): Promise<Case> {
  const all: LoadOptions = { cwd: '.', allowOutside: false, names: {}, ...options };
  if (typeof source !== 'string') return loadFiles(source, all);
  const found = await findCases([source], all.cwd);
  if (found.length !== 1) {
    throw new CellcheckError({
      file: source,
      found: `${found.length} cases`,
      expected: 'one',
      hints: ['findCases lists them, each with its path.'],
    });
  }
  const [{ label, path, error }] = found;
  if (error) throw error;
  return loadCaseAt(path!, label, all);
}
