import { inFile } from '../errors.js';
import { effective } from '../module/effective.js';
import { renamed, type StateDict, under } from '../tensor/state-dict.js';
import { caseFileIn, labelOf, type PlaceOptions, placeOf } from './case-file.js';
import { openFile } from './contents.js';
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
export function openCheckpoint(file: string, label: string, options: PlaceOptions): Checkpoint {
  const fileLabel = labelOf(file, label);
  const contents = openFile(file, fileLabel);
  const caseFile = caseFileIn(contents.document, file, fileLabel);
  if (!caseFile) return { label, tensors: effective(contents.tensors()) };
  const weights = placeOfFiles(caseFile.weights, (given) =>
    placeOf('weights', given, file, fileLabel, options),
  );
  const stored = openPlace(weights);
  const ofKey =
    caseFile.key === undefined ? stored : inFile(weights.label, () => under(stored, caseFile.key!));
  const tensors = effective(renamed(ofKey, caseFile.names ?? {}));
  return { label: weights.label, tensors };
}
