import fs from 'node:fs';
import path from 'node:path';
import { CellcheckError } from '../errors.js';
import { BUNDLE_ENDINGS } from '../formats/detect.js';
import { checkpointIn } from './contents.js';
import { isOnnxData, onnxDataIn } from './onnx-data.js';
import { fileError } from './open.js';

/** Where a case is, and how reports name it; or why there is none. */
export interface FoundCase {
  /** The path as the user gave it, or one that it stands for. */
  readonly label: string;
  /** A case file or a bundle. */
  readonly path?: string;
  readonly error?: CellcheckError;
}

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
  if (!stat && /[*?[\]{}]/.test(given)) return findGlob(given, cwd);
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
    return [{ label: isCaseFile ? path.dirname(given) : given, path: absolute }];
  }
  const caseFile = path.join(absolute, CASE_FILE);
  if (isFile(caseFile)) return [{ label: path.normalize(given).replace(/(.)\/$/, '$1'), path: caseFile }];

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
  if (dataSets.length > 0) return [...dataSets, ...inside];
  if (inside.length === 0 && checkpointIn(absolute)) return [{ label: given, path: absolute }];
  if (inside.length === 0) {
    throw new CellcheckError({
      code: 'file',
      file: given,
      problem: 'holds no case: neither a case.json nor a folder with one',
      hints: ['Name files themselves, as "folder/*.safetensors".'],
    });
  }
  return inside;
}

function isFile(file: string): boolean {
  return fs.existsSync(file) && fs.statSync(file).isFile();
}

async function findGlob(given: string, cwd: string): Promise<FoundCase[]> {
  const { glob } = await import('tinyglobby');
  const matches = await glob(given, { cwd, onlyFiles: false, expandDirectories: false, dot: false });
  if (matches.length === 0)
    throw new CellcheckError({ code: 'file', file: given, problem: 'nothing matches this pattern' });
  return findCases(matches.sort(), cwd);
}
