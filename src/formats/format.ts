import type { CaseOptions, Parsed } from '../../schemas/case.js';
import type { StateDict } from '../tensor/state-dict.js';
import type { JsonValue } from './json-values.js';

/** Bytes that are read by position: a file on the disk, or one in memory. */
export interface Source {
  readonly size: number;
  /** Returns `length` bytes from `offset` on. They may be the source's own: nobody writes to them. */
  read(offset: number, length: number): Uint8Array;
}

/** How a file is recognised without being read. */
export interface Signature {
  /** What its name ends in, in lower case. */
  readonly endings: readonly string[];
  /** First bytes, as Latin-1, that say what the file is whatever its name. */
  readonly magic?: readonly string[];
}

/** What is in a file. Every function throws a CellcheckError that does not name the file yet. */
export interface Contents {
  /** The tensors by name; their values are read when they are asked for, where the format allows it. */
  tensors(): StateDict;
  /** The options of a case that the file has beside its tensors. */
  options?(): Parsed<CaseOptions>;
  /** The JSON document, where the file is one: it may be a case file instead of tensors. */
  readonly document?: JsonValue;
}

/** A file format that cellcheck reads. `formats.ts` lists them. */
export interface Format extends Signature {
  readonly name: string;
  /** Text takes many times its size in memory, so it is limited; and its endings are those of other files, too. */
  readonly text: boolean;
  /** What such a file holds, where the ending alone does not say that it holds tensors. */
  readonly holds?: string;
  /** Whether a file that begins so may be of this format; asked where its name does not tell. */
  looksLike?(head: string): boolean;
  /**
   * Reads as much of a file as is needed to list its tensors.
   * @throws CellcheckError without a file, where it is not what the format says
   */
  open(source: Source): Contents;
}
