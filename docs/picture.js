// Makes the picture of the page that inspect writes, in the system's own Chromium:
//
//     npm run picture
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { launch } from '../test/browser/browser.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ARGV = ['inspect', 'samples/gru-long', '--steps', '0:80', '-q', '--html'];

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cellcheck-picture-'));
const html = path.join(folder, 'page.html');
execFileSync(process.execPath, [path.join(ROOT, 'bin', 'cellcheck.cjs'), ...ARGV, html], { cwd: ROOT });
const browser = await launch();
const page = await browser.newPage({ viewport: { width: 1100, height: 720 } });
await page.goto(pathToFileURL(html).href);
await page.locator('figure[data-drawn]').nth(3).waitFor();
const box = await page.locator('figure .nsewdrag').nth(2).boundingBox();
if (!box) throw new Error('there is no map');
await page.mouse.move(box.x + 0.5 * box.width, box.y + 0.5 * box.height);
await page.mouse.move(box.x + 0.4 * box.width, box.y + 0.44 * box.height);
await page.waitForSelector('.hoverlayer text');
await page.screenshot({ path: fileURLToPath(new URL('look-inside.png', import.meta.url)) });
await browser.close();
fs.rmSync(folder, { recursive: true });
