import { defineConfig } from 'vitest/config';

/**
 * The tests, in projects that are run one at a time: `vitest run --project live`. `unit` is what `npm test` runs.
 * (The tests of test/mutation/ are chosen room by room, so they have a configuration of their own.)
 */
export default defineConfig({
  test: {
    reporters: ['default', 'json'],
    // Not an option of the reporter: `--outputFile.json`, with which each command names its own report, must win.
    outputFile: { json: 'coverage/tests.json' },
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts', 'schemas/**/*.ts'],
      // Written by a generator (`npm run onnx`).
      exclude: ['src/formats/onnx/schema.ts'],
      reporter: ['text', 'json-summary'],
      thresholds: { lines: 95 },
    },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          setupFiles: ['test/properties.ts'],
          // Two on two cores, where it would be one.
          maxWorkers: '100%',
          // No test measures time: a busy machine is no failure.
          testTimeout: 120_000,
        },
      },
      {
        // Needs a Chromium: the page of heat maps, as a person opens it.
        test: {
          name: 'browser',
          include: ['test/browser/*.browser.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        // Takes minutes, or needs Python and PyTorch from a package registry.
        test: {
          name: 'live',
          include: [
            'test/live/**/*.live.ts',
            // Other projects' vectors, where somebody has them.
            ...(process.env.CELLCHECK_VECTORS === undefined ? [] : ['test/vectors/*.vectors.ts']),
            // The numpy prototypes of the rounding envelope and the diagnosis, likewise.
            ...(process.env.CELLCHECK_ORACLES === undefined ? [] : ['test/oracles/*.oracles.ts']),
          ],
          testTimeout: 300_000,
          hookTimeout: 900_000,
        },
      },
    ],
  },
});
