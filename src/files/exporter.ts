import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/** The text of `samples/cellcheck_export.py`. */
export function readExporter(): string {
  const { resolve } = createRequire(import.meta.url);
  // A package can resolve its own name. This finds the root both from the sources and from the build.
  const root = path.dirname(resolve('cellcheck/package.json'));
  return fs.readFileSync(path.join(root, 'samples', 'cellcheck_export.py'), 'utf8');
}
