import { CellcheckError } from '../errors.js';
import type { Case } from '../module/case.js';
import { findCases } from './find-cases.js';
import { type CasePaths, type LoadOptions, loadCaseAt, loadFiles } from './load-case.js';

/**
 * Loads a case from the disk: a folder with a case.json, a case file, a bundle, or three files. Weights in safetensors
 * files are only read when `verify` or `forward` asks for them.
 * @param source a path, behind a `#` the name of one of several cases in the file; or `{ weights, input, expected }`
 * @param options `cwd`: the folder that paths are relative to, the process's if absent; a case may name files in it and
 *   in its own folder; `allowOutside`: lets it name files anywhere; `names`: tensors with other names, ours → theirs;
 *   `key`: the dict in the weights' file that is the state_dict;
 *   `expected`: a file with other outputs than the case's own; `expectedOptional`: allows a case without expected outputs
 * @throws CellcheckError that names file, tensor, and what to try
 */
export async function loadCase(
  source: string | CasePaths,
  options: Partial<LoadOptions> = {},
): Promise<Case> {
  const {
    cwd = '.',
    allowOutside = false,
    names = {},
    key,
    expected,
    expectedOptional,
    layerOutputs,
    ...unknown
  } = options;
  for (const name of Object.keys(unknown))
    throw new CellcheckError({ code: 'option', tensor: name, problem: 'is not an option of loadCase' });
  const loadOptions: LoadOptions = {
    cwd,
    allowOutside,
    names,
    key,
    expected,
    expectedOptional,
    layerOutputs,
  };
  if (typeof source !== 'string') return loadFiles(source, loadOptions);
  const found = await findCases([source], loadOptions.cwd);
  if (found.length !== 1) {
    throw new CellcheckError({
      code: 'argument',
      file: source,
      found: `${found.length} cases`,
      expected: 'one',
      hints: ['findCases lists them, each with its path.'],
    });
  }
  const [{ label, path, member, error }] = found;
  if (error) throw error;
  return loadCaseAt(path!, label, { ...loadOptions, member });
}
