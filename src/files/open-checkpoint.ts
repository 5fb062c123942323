import fs from 'node:fs';
import path from 'node:path';
import { effective } from '../module/effective.js';
import { renamed, type StateDict } from '../tensor/state-dict.js';
import { openCase, type PlaceOptions, placeOf } from './case-file.js';
import { underKey } from './contents.js';
import { CASE_FILE } from './find-cases.js';
import { openPlace, placeOfFiles } from './places.js';

/** The tensors of a file, and how messages name it. */
export interface Checkpoint {
  readonly label: string;
  readonly tensors: StateDict;
}

/**
 * Opens a checkpoint: a file of tensors, or a case file, which stands for its weights.
 * @param label how messages name it
 * @throws CellcheckError that names the file, and what to try
 */
export function openCheckpoint(
  file: string,
  label: string,
  { key, member, ...options }: PlaceOptions & { readonly key?: string; readonly member?: string },
): Checkpoint {
  const { fileLabel, contents, caseFile } = openCase(file, label, member);
  if (!caseFile) return { label, tensors: effective(underKey(contents.tensors(), key, fileLabel)) };
  const weights = placeOfFiles('weights', caseFile.weights, (given) =>
    placeOf('weights', given, file, fileLabel, options),
  );
  const stored = openPlace(weights);
  const ofKey = underKey(stored, key ?? caseFile.key, weights.label);
  const tensors = effective(renamed(ofKey, caseFile.names ?? {}));
  return { label: weights.label, tensors };
}

/**
 * Opens the one checkpoint that a path of a command line means.
 * @throws CellcheckError where there is none, or several
 */
export function findCheckpoint(given: string, options: PlaceOptions & { readonly key?: string }): Checkpoint {
  const absolute = path.resolve(options.cwd, given);
  const caseFile = path.join(absolute, CASE_FILE);
  return openCheckpoint(fs.existsSync(caseFile) ? caseFile : absolute, given, options);
}
