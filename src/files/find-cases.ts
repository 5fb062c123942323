import fs from 'node:fs';
import path from 'node:path';
import { CellcheckError } from '../errors.js';
import { LARGEST_TEXT } from '../formats/contents.js';
import { BUNDLE_ENDINGS } from '../formats/detect.js';
import { checkpointIn, openFile } from './contents.js';
import { isOnnxData, onnxDataIn } from './onnx-data.js';
import { fileError, withFile } from './open.js';

/** Where a case is, and how reports name it; or why there is none. */
export interface FoundCase {
  /** The path as the user gave it, or one that it stands for. */
  readonly label: string;
  /** A case file or a bundle. */
  readonly path?: string;
  /** Which of the cases in the file, where it holds several. */
  readonly member?: string;
  readonly error?: CellcheckError;
}

const GLOB = /[*?[\]{}]/;

/** A folder with a file of this name is a case. */
export const CASE_FILE = 'case.json';

/**
 * Finds the cases that paths stand for: case files, bundles, folders with a case.json, folders of such folders, globs.
 * A path without a case becomes an entry with an error, so that the others are still verified.
 */
export async function findCases(paths: readonly string[], cwd = '.'): Promise<FoundCase[]> {
  const found: FoundCase[] = [];
  for (const given of paths) {
    try {
      found.push(...(await findCase(given, cwd)));
    } catch (error) {
      found.push({ label: given, error: fileError(error, given) });
    }
  }
  return found;
}

async function findCase(given: string, cwd: string): Promise<FoundCase[]> {
  const absolute = path.resolve(cwd, given);
  const stat = fs.statSync(absolute, { throwIfNoEntry: false });
  if (!stat && GLOB.test(given)) return findGlob(given, cwd);
  const one = stat ? undefined : memberAt(given, absolute);
  if (one) return [one];
  if (!stat) {
    const hints = [`Give a folder with a case.json, a case file, or a bundle (${BUNDLE_ENDINGS}).`];
    throw new CellcheckError({
      code: 'file',
      file: given,
      problem: 'there is no such file or folder',
      hints,
    });
  }
  if (!stat.isDirectory()) {
    const isCaseFile = path.basename(absolute) === CASE_FILE && path.dirname(given) !== '.';
    return casesAt({ label: isCaseFile ? path.dirname(given) : given, path: absolute });
  }
  const caseFile = path.join(absolute, CASE_FILE);
  if (isFile(caseFile))
    return casesAt({ label: path.normalize(given).replace(/(.)\/$/, '$1'), path: caseFile });

  const inside = fs
    .readdirSync(absolute)
    .sort()
    .map((name) => ({ label: path.join(given, name), path: path.join(absolute, name, CASE_FILE) }))
    .filter((entry) => isFile(entry.path));
  if (isOnnxData(absolute)) return [{ label: given, path: absolute }];
  const dataSets = onnxDataIn(absolute).map((name) => ({
    label: path.join(given, name),
    path: path.join(absolute, name),
  }));
  if (dataSets.length > 0) return [...dataSets, ...inside.flatMap(casesAt)];
  if (inside.length === 0 && checkpointIn(absolute)) return [{ label: given, path: absolute }];
  if (inside.length === 0) {
    throw new CellcheckError({
      code: 'file',
      file: given,
      problem: 'holds no case: neither a case.json nor a folder with one',
      hints: ['Name files themselves, as "folder/*.safetensors".'],
    });
  }
  return inside.flatMap(casesAt);
}

/** What stands between a file and the name of one of its cases. */
const MEMBER = '#';

/** A case, or each of several where its file holds several. */
function casesAt(found: { readonly label: string; readonly path: string }): FoundCase[] {
  const members = membersOf(found.path, found.label);
  if (!members) return [found];
  if (members.length === 0)
    throw new CellcheckError({ file: found.label, tensor: 'cases', problem: 'is empty: there is no case' });
  return members.map((member) => ({ ...found, label: found.label + MEMBER + member, member }));
}

/** The names of the cases in a file that holds several. What is wrong with it is said when it is loaded. */
function membersOf(file: string, label: string): string[] | undefined {
  if (!file.toLowerCase().endsWith('.json') || !mentionsCases(file, label)) return undefined;
  try {
    const { cases } = openFile(file, label);
    return cases && [...cases.keys()];
  } catch {
    return undefined;
  }
}

/** Large files of tensors are not parsed only to find that they hold no cases. */
function mentionsCases(file: string, label: string): boolean {
  return withFile(file, label, ({ size, read }) => {
    if (size > LARGEST_TEXT) return false;
    const bytes = new Uint8Array(size);
    read(bytes, 0);
    return Buffer.from(bytes.buffer).includes('"cases"');
  });
}

/** The case that a path names behind the name of its file. */
function memberAt(given: string, absolute: string): FoundCase | undefined {
  for (let at = given.indexOf(MEMBER); at > 0; at = given.indexOf(MEMBER, at + 1)) {
    const [label, member] = [given.slice(0, at), given.slice(at + 1)];
    const file = absolute.slice(0, absolute.length - member.length - 1);
    const target = isFile(path.join(file, CASE_FILE)) ? path.join(file, CASE_FILE) : file;
    if (isFile(target) && membersOf(target, label)?.includes(member))
      return { label: given, path: target, member };
  }
  return undefined;
}

function isFile(file: string): boolean {
  try {
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

async function findGlob(given: string, cwd: string): Promise<FoundCase[]> {
  return findCases(await matchesOf(given, cwd), cwd);
}

/** @throws CellcheckError where nothing matches */
async function matchesOf(given: string, cwd: string): Promise<string[]> {
  const { glob } = await import('tinyglobby');
  const matches = await glob(given, { cwd, onlyFiles: false, expandDirectories: false, dot: false });
  if (matches.length === 0)
    throw new CellcheckError({ code: 'file', file: given, problem: 'nothing matches this pattern' });
  return matches.sort();
}

/**
 * The files that paths and globs stand for.
 * @throws CellcheckError where a glob stands for none
 */
export async function findFiles(
  paths: readonly string[],
  cwd: string,
): Promise<{ readonly label: string; readonly path: string }[]> {
  const isGlob = (given: string) => !fs.existsSync(path.resolve(cwd, given)) && GLOB.test(given);
  const labels = await Promise.all(paths.map((given) => (isGlob(given) ? matchesOf(given, cwd) : [given])));
  return labels.flat().map((label) => ({ label, path: path.resolve(cwd, label) }));
}
