import fs from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';

/** Where systems have it; CHROMIUM names another. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** A headless Chromium: the system's own, none is downloaded. */
export function launch() {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  const found = folders.flatMap((folder) => NAMES.map((name) => path.join(folder, name))).find(fs.existsSync);
  const executablePath = process.env.CHROMIUM ?? found;
  if (!executablePath) throw new Error('there is no chromium on the PATH; install it, or set CHROMIUM');
  // Its sandbox needs rights that root in a container does not have.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--force-color-profile=srgb'] });
}
