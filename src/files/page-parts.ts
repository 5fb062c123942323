import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { packageRoot } from './package-root.js';

/**
 * The scripts and the style of a page: plotly.js and files of `page/`.
 * @param name of the page's own script and style
 */
export function readPageParts(name: 'inspection' | 'report'): { scripts: string[]; style: string } {
  const { resolve } = createRequire(import.meta.url);
  const folder = path.join(packageRoot(), 'page');
  const read = (file: string) => fs.readFileSync(path.resolve(folder, file), 'utf8');
  return {
    scripts: [resolve('plotly.js-cartesian-dist-min'), 'elements.js', `${name}.js`].map(read),
    style: ['page.css', `${name}.css`].map(read).join(''),
  };
}
