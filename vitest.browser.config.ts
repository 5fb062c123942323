import { defineConfig } from 'vitest/config';

/** What needs a Chromium: the page of heat maps, as a person opens it. */
export default defineConfig({
  test: {
    include: ['test/browser/*.browser.ts'],
    reporters: ['default', ['json', { outputFile: 'coverage/browser.json' }]],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
