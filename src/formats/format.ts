import type { CaseOptions, Parsed } from '../../schemas/case.js';
import type { StateDict } from '../tensor/state-dict.js';
import type { JsonValue } from './json-values.js';

/** Bytes that are read by position: a file on the disk, or one in memory. */
export interface Source {
  readonly size: number;
  /**
   * Returns `length` bytes from `offset` on. They may be the source's own memory, so nobody writes to them.
   * @param into where a file is read to, so that its bytes need no other memory; a source in memory may ignore it
   */
  read(offset: number, length: number, into?: Uint8Array): Uint8Array;
  /**
   * A file in the same folder, where the format is one of several files. Absent where the file is not on a disk.
   * @param file its name, without a folder
   */
  sibling?(file: string): Source;
}

/** The first bytes of a zip archive, which files of several formats are. */
export const ZIP_MAGIC = 'PK\x03\x04';

/** How a file is recognised without being read. */
export interface Signature {
  /** What its name ends in, in lower case; the first is the usual one. */
  readonly endings: readonly string[];
  /** First bytes, as Latin-1, that prove what the file is even if its name says otherwise. */
  readonly magic?: readonly string[];
}

/** What is in a file. */
export interface Contents {
  /**
   * The tensors by name. Their values are read when they are asked for, where the format allows it.
   * @throws CellcheckError without a file
   */
  tensors(): StateDict;
  /** The options of a case that the file has beside its tensors. */
  options?(): Parsed<CaseOptions>;
  /** The cases of a file that holds several, by name. */
  readonly cases?: ReadonlyMap<string, Contents>;
  /** The JSON document, where the file is one: it may be a case file instead of tensors. */
  readonly document?: JsonValue;
}

/** A file format that cellcheck reads. `formats.ts` lists them. */
export interface Format extends Signature {
  readonly name: string;
  /**
   * Whether the format is text. Text is limited in size, because it takes many times its size in memory; and other files
   * have the same endings, so that a report may be named with one.
   */
  readonly text: boolean;
  /**
   * Completes the sentence `cellcheck reads … and .txt with …`, for endings that other files have too. Such files are not
   * suggested as bundles.
   */
  readonly holds?: string;
  /**
   * Whether a file with these first bytes, as Latin-1, may be of the format; asked where its name does not tell, or where
   * several formats have its ending.
   */
  looksLike?(head: string): boolean;
  /**
   * Reads as much of a file as is needed to list its tensors.
   * @throws CellcheckError without a file, where it is not what the format says
   */
  open(source: Source): Contents;
}
