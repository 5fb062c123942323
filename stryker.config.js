/** What every run of test/mutation.js has in common. A room's files, tests and report are said there. */
export default {
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutation.config.ts' },
  coverageAnalysis: 'perTest',
  concurrency: 2,
  // Without the tsconfig.json, which Stryker would read by TypeScript's own compiler in JavaScript.
  ignorePatterns: ['dist', 'coverage', '.venv', 'bench', 'docs', 'wasm', 'tsconfig*.json'],
  reporters: ['progress-append-only', 'clear-text', 'json'],
  clearTextReporter: { logTests: false, reportTests: false },
  warnings: { slow: false },
  tempDirName: 'coverage/stryker',
};
