import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/** What a page of heat maps is made of beside its numbers: plotly.js and the programs and styles of `page/`. */
export function readPageParts(): { scripts: string[]; style: string } {
  const { resolve } = createRequire(import.meta.url);
  // Within the package its own name leads to its root, from the sources as from what is built of them.
  const folder = path.join(path.dirname(resolve('cellcheck/package.json')), 'page');
  const read = (file: string) => fs.readFileSync(file, 'utf8');
  return {
    scripts: [read(resolve('plotly.js-cartesian-dist-min')), read(path.join(folder, 'page.js'))],
    style: read(path.join(folder, 'page.css')),
  };
}
