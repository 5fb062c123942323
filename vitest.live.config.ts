import { defineConfig } from 'vitest/config';

/** What takes minutes, or needs Python and PyTorch from a package registry. */
export default defineConfig({
  test: {
    include: [
      'test/live/**/*.live.ts',
      // Other projects' vectors, where somebody has them.
      ...(process.env.CELLCHECK_VECTORS === undefined ? [] : ['test/vectors/*.vectors.ts']),
      // The numpy prototypes of the rounding envelope and the diagnosis, likewise.
      ...(process.env.CELLCHECK_ORACLES === undefined ? [] : ['test/oracles/*.oracles.ts']),
    ],
    reporters: ['default', ['json', { outputFile: 'coverage/live.json' }]],
    // One after the other: they measure memory, and share a Python environment.
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 900_000,
  },
});
