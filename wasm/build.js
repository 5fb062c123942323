// Compiles the kernels and writes them as base64 into a module of src/, so that the library, the bundled program and a
// browser load them without reading a file.
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import { tiles } from './tiles.js';

/** @param {string} relative */
const pathOf = (relative) => fileURLToPath(new URL(relative, import.meta.url));

const RELAXED = ['--enable', 'relaxed-simd'];
// The fastest tile shapes in measurements: for 128-bit vectors without and with fused multiply-add, and for pairs of
// vectors that V8 fuses to 256 bits. tiles.js says what they mean.
const BUILDS = {
  simd: { shapes: { vectors: 2, rows: 5, single: 8, widening: 8 }, features: /** @type {string[]} */ ([]) },
  relaxed: { shapes: { vectors: 2, rows: 6, single: 8, widening: 8 }, features: RELAXED },
  wide: { shapes: { vectors: 4, rows: 4, single: 16, widening: 8 }, features: RELAXED },
};

/** Compiles every build and writes src/engine/kernels/binaries.ts. */
export async function buildKernels() {
  fs.mkdirSync(pathOf('build'), { recursive: true });
  const texts = [];
  for (const [name, { shapes, features }] of Object.entries(BUILDS)) {
    fs.writeFileSync(pathOf('build/tiles.ts'), tiles(shapes));
    const out = pathOf(`build/${name}.wasm`);
    const options = ['-O3', '--converge', '--noAssert', '--runtime', 'stub', '--importMemory'];
    const { error, stderr } = await asc.main([
      ...[pathOf('kernels.ts'), '--outFile', out, '--enable', 'simd'],
      ...options,
      ...features,
    ]);
    if (error) throw new Error(stderr.toString());
    texts.push(`  ${name}: '${fs.readFileSync(out).toString('base64')}',`);
  }
  fs.writeFileSync(
    pathOf('../src/engine/kernels/binaries.ts'),
    `// Written by wasm/build.js.

/** The compiled kernels, base64. */
export const BINARIES = {
${texts.join('\n')}
} as const;
`,
  );
}
