import { createRequire } from 'node:module';
import path from 'node:path';

/** The folder of this package. It can resolve its own name, which finds it both from the sources and from the build. */
export function packageRoot(): string {
  return path.dirname(createRequire(import.meta.url).resolve('cellcheck/package.json'));
}
