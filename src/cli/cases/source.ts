import { type CasePaths, type LoadOptions, loadCaseAt, loadFiles } from '../../files/load-case.js';
import type { Case } from '../../module/case.js';

/** Where a case is: a case file or a bundle, perhaps of several cases, or three files. */
export type Source = { readonly path: string; readonly member?: string } | { readonly files: CasePaths };

/** @throws CellcheckError that names file, tensor, and what to try */
export function loadSource(label: string, source: Source, load: LoadOptions): Case {
  return 'files' in source
    ? loadFiles(source.files, load)
    : loadCaseAt(source.path, label, { ...load, member: source.member });
}
