import fs from 'node:fs';
import path from 'node:path';
import type { Config } from '../../schemas/config.js';
import { CellcheckError } from '../errors.js';
import { valid } from './case-file.js';
import { readDocument } from './document.js';

const CONFIG_FILE = 'cellcheck.config.json';
/** In bytes. */
const LARGEST = 2 ** 20;

/** A suite's configuration, and where it is. */
export interface FoundConfig {
  readonly config: Config;
  /** The path as messages name it. */
  readonly file: string;
  /** Its folder: what it names is relative to it. */
  readonly folder: string;
}

/**
 * Reads the configuration of a suite.
 * @param given its path; if absent, the nearest `cellcheck.config.json` in the working folder or above it
 * @returns undefined where none is given and there is none
 * @throws CellcheckError with everything that is wrong with it
 */
export async function readConfig(given: string | undefined, cwd: string): Promise<FoundConfig | undefined> {
  const absolute = given === undefined ? findUpwards(cwd) : path.resolve(cwd, given);
  if (absolute === undefined) return undefined;
  const file = given ?? (path.relative(cwd, absolute) || CONFIG_FILE);
  // Loaded only where there is one.
  const { parseConfig } = await import('../../schemas/config.js');
  return {
    config: valid(parseConfig(readDocument(absolute, file, LARGEST)), file),
    file,
    folder: path.dirname(absolute),
  };
}

function findUpwards(cwd: string): string | undefined {
  for (let folder = path.resolve(cwd); ; folder = path.dirname(folder)) {
    const file = path.join(folder, CONFIG_FILE);
    if (fs.statSync(file, { throwIfNoEntry: false })?.isFile()) return file;
    if (folder === path.dirname(folder)) return undefined;
  }
}

/**
 * The path of a file that a configuration names.
 * @throws CellcheckError where it lies outside the configuration's folder: it may come with a pull request
 */
export function besideConfig({ file, folder }: FoundConfig, field: string, given: string): string {
  const target = path.resolve(folder, given);
  const existing = nearestExisting(target);
  const real = path.join(fs.realpathSync(existing), path.relative(existing, target));
  const relative = path.relative(fs.realpathSync(folder), real);
  if (relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative)) return target;
  throw new CellcheckError({
    file,
    tensor: field,
    problem: 'lies outside the folder of the configuration',
    hints: ['Name it on the command line if you trust it.'],
  });
}

/** A file, or else the folder above it that there is. */
function nearestExisting(file: string): string {
  return fs.existsSync(file) ? file : nearestExisting(path.dirname(file));
}
