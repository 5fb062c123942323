import fs from 'node:fs';
import path from 'node:path';
import { packageRoot } from './package-root.js';

/** The text of `samples/cellcheck_export.py`. */
export function readExporter(): string {
  return fs.readFileSync(path.join(packageRoot(), 'samples', 'cellcheck_export.py'), 'utf8');
}
