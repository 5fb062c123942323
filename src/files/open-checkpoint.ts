import { renamed, type StateDict } from '../tensor/state-dict.js';
import { caseFileIn, labelOf, type PlaceOptions, placeOf } from './case-file.js';
import { openFile, openTensors } from './contents.js';

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
  if (!caseFile) return { label, tensors: contents.tensors() };
  const weights = placeOf('weights', caseFile.weights, file, fileLabel, options);
  const tensors = renamed(openTensors(weights.path, weights.label), caseFile.names ?? {});
  return { label: weights.label, tensors };
}
