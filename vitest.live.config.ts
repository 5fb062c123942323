import { defineConfig } from 'vitest/config';

/** The comparison with PyTorch itself: needs Python, and a package registry for torch. */
export default defineConfig({
  test: {
    include: [
      'test/live/**/*.live.ts',
      // Other projects' vectors, where somebody has them.
      ...(process.env.CELLCHECK_VECTORS === undefined ? [] : ['test/vectors/*.vectors.ts']),
    ],
    reporters: ['default', ['json', { outputFile: 'coverage/live.json' }]],
    testTimeout: 300_000,
    hookTimeout: 900_000,
  },
});
