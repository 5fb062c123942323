import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/** The scripts and styles of a page of heat maps: plotly.js and the files of `page/`. */
export function readPageParts(): { scripts: string[]; style: string } {
  const { resolve } = createRequire(import.meta.url);
  // A package can resolve its own name. This finds the root both from the sources and from the build.
  const folder = path.join(path.dirname(resolve('cellcheck/package.json')), 'page');
  const read = (file: string) => fs.readFileSync(file, 'utf8');
  return {
    scripts: [read(resolve('plotly.js-cartesian-dist-min')), read(path.join(folder, 'page.js'))],
    style: read(path.join(folder, 'page.css')),
  };
}
