import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { packageRoot } from './package-root.js';

/** The scripts and styles of a page of heat maps: plotly.js and the files of `page/`. */
export function readPageParts(): { scripts: string[]; style: string } {
  const { resolve } = createRequire(import.meta.url);
  const folder = path.join(packageRoot(), 'page');
  const read = (file: string) => fs.readFileSync(file, 'utf8');
  return {
    scripts: [read(resolve('plotly.js-cartesian-dist-min')), read(path.join(folder, 'page.js'))],
    style: read(path.join(folder, 'page.css')),
  };
}
