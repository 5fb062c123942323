import fs from 'node:fs';
import path from 'node:path';
import { type CaseFile, type Parsed, parseCaseFile } from '../../schemas/case.js';
import { CellcheckError, joinErrors, printable } from '../errors.js';
import type { Contents } from '../formats/format.js';
import { isObject, type JsonValue } from '../formats/json-values.js';
import { openFile, openSeveral } from './contents.js';
import { CASE_FILE } from './find-cases.js';
import { fileError, willRead } from './open.js';
import type { Place } from './places.js';

/** Where the files that a case names may be. */
export interface PlaceOptions {
  /** Paths of the command line are relative to it; a case may name files in it. */
  readonly cwd: string;
  /** Lets a case name files outside its folder and the working directory. */
  readonly allowOutside: boolean;
}

/** How messages name a file of a case: by the label itself, or within it where the label is the case's folder. */
function labelOf(file: string, label: string): string {
  return path.basename(label) === path.basename(file) ? label : path.join(label, path.basename(file));
}

/** A case file or a file of tensors, and how messages name the file and the case in it. */
interface OpenCase {
  readonly fileLabel: string;
  readonly caseLabel: string;
  readonly contents: Contents;
  /** Absent where the file holds tensors. */
  readonly caseFile?: CaseFile;
}

/**
 * Opens a case file or a file of tensors.
 * @param label how messages name the case
 * @param member which of the cases in a file that holds several
 */
export function openCase(file: string, label: string, member: string | undefined): OpenCase {
  if (member === undefined) {
    const fileLabel = labelOf(file, label);
    const contents = openFile(file, fileLabel);
    const caseFile = caseFileIn(contents.document, file, fileLabel);
    return { fileLabel, caseLabel: fileLabel, contents, caseFile };
  }
  // The label of the file, and behind a # the case.
  const fileLabel = labelOf(file, label.slice(0, -member.length - 1));
  const contents = openSeveral(file, fileLabel).cases?.get(member);
  if (!contents) throw new CellcheckError({ file: fileLabel, problem: `has no case ${printable(member)}` });
  return {
    fileLabel,
    caseLabel: label,
    contents,
    caseFile: caseFileIn(contents.document, file, label, true),
  };
}

const FILE_FIELDS = ['weights', 'input', 'expected', 'layer_outputs'];

/**
 * The case that a JSON document describes; undefined where it holds tensors, or the file is no JSON.
 * @param isMember whether it is one of several cases in the file
 */
function caseFileIn(
  document: JsonValue | undefined,
  file: string,
  label: string,
  isMember = false,
): CaseFile | undefined {
  if (document === undefined) return undefined;
  if (isObject(document)) {
    const mayBeBundle = isMember || path.basename(file) !== CASE_FILE;
    if (mayBeBundle && typeof document.weights !== 'string') return undefined;
    // Even where the case is not valid, no report is written over the files that it names.
    for (const field of FILE_FIELDS)
      for (const named of textsIn(document[field])) willRead(path.resolve(path.dirname(file), named));
    return valid(parseCaseFile(document), label);
  }
  if (path.basename(file) !== CASE_FILE) return undefined;
  const found = document === null ? 'null' : typeof document === 'object' ? 'a list' : `a ${typeof document}`;
  throw new CellcheckError({ file: label, found, expected: 'an object with weights, input and expected' });
}

/** Every text in a field: the name of a file, or that of each tensor's. */
function textsIn(value: JsonValue | undefined): string[] {
  if (typeof value === 'string') return [value];
  return value !== undefined && isObject(value) ? Object.values(value).flatMap(textsIn) : [];
}

/** The file that a case file names in a field. */
export function placeOf(
  field: string,
  given: string,
  file: string,
  label: string,
  { cwd, allowOutside }: PlaceOptions,
): Place {
  const folder = path.dirname(file);
  // A case that was written on Windows has backslashes between folders.
  const plain = path.resolve(folder, given);
  const target = fs.existsSync(plain) ? plain : path.resolve(folder, given.replaceAll('\\', '/'));
  if (!allowOutside) mustBeInside(target, [folder, cwd], label, field, given);
  return { path: target, label: path.join(path.dirname(label), given) };
}

/** The folders of the last cases, which are asked for with every file of theirs. */
const realFolders = new Map<string, string>();
const MOST_FOLDERS = 16;

/** @throws an error of the system where there is none */
function realFile(target: string): string {
  return fs.lstatSync(target).isSymbolicLink()
    ? fs.realpathSync.native(target)
    : path.join(realFolder(path.dirname(target)), path.basename(target));
}

function realFolder(folder: string): string {
  const real = realFolders.get(folder) ?? fs.realpathSync.native(folder);
  if (realFolders.size >= MOST_FOLDERS) realFolders.clear();
  realFolders.set(folder, real);
  return real;
}

function mustBeInside(
  target: string,
  folders: readonly string[],
  file: string,
  field: string,
  given: string,
): void {
  let real: string;
  try {
    real = realFile(target);
  } catch (error) {
    throw fileError(error, path.join(path.dirname(file), given), [`${file} names it as its ${field}.`]);
  }
  const inside = folders.some((folder) => {
    const relative = path.relative(realFolder(folder), real);
    return relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
  });
  if (inside) return;
  throw new CellcheckError({
    file,
    tensor: field,
    problem: `${printable(given)} lies outside the case's folder and the working directory`,
    hints: ['Add --allow-outside if you trust the case.'],
  });
}

/** What was parsed; or else everything that is wrong with it as one error that names the file. */
export function valid<T>(parsed: Parsed<T>, file: string): T {
  if ('value' in parsed) return parsed.value;
  throw joinErrors(
    parsed.issues.map(
      ({ field, problem }) => new CellcheckError({ file, tensor: field || undefined, problem }),
    ),
  );
}
