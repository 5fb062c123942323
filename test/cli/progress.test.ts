import { afterEach, expect, test, vi } from 'vitest';
import { showProgress, showSuiteProgress } from '../../src/cli/progress.js';
import type { OnProgress, Stage } from '../../src/engine/options.js';
import { judgeRounding } from '../../src/verdict/rounding.js';
import { moduleOf } from '../engine/module.js';
import { networkOf, sequenceOf } from '../engine/random-network.js';
import { boundOf } from '../verdict/bound.js';

afterEach(() => void vi.restoreAllMocks());

/** What is written, where every look at the clock is half a second after the one before. */
function progressOn(isTTY: boolean) {
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => {
    now += 500;
    return now;
  });
  let written = '';
  const write = (text: string) => {
    written += text;
  };
  const stderr = { isTTY, write };
  const progress = showProgress({ stderr } as unknown as Parameters<typeof showProgress>[0], 'a.json');
  return { ...progress, written: () => written };
}

test('a line says what takes long, and how much of it is done', async () => {
  const { onProgress, clear, written } = progressOn(true);
  await onProgress(0.1, 'computing');
  expect(written()).toBe('');
  await onProgress(0.256, 'computing');
  expect(written()).toBe('\r\x1b[Ka.json  computing  25 %');
  // It is there before the event loop is reached again.
  void onProgress(0.5, 'judging');
  expect(written()).toMatch(/a.json {2}judging the rounding {2}50 %$/);
  await onProgress(1, 'searching');
  expect(written()).toMatch(/ {2}searching for the cause {2}100 %$/);
  clear();
  expect(written().endsWith('100 %\r\x1b[K')).toBe(true);
});

test('there is none where nobody looks, and nothing to remove', async () => {
  const { onProgress, clear, written } = progressOn(false);
  for (const done of [0.1, 0.2, 0.3]) await onProgress(done, 'computing');
  clear();
  expect(written()).toBe('');
});

test('judging by rounding says how far it is', async () => {
  const module = moduleOf('GRU', { num_layers: 2, bidirectional: true, hidden_size: 3 });
  const boundCase = await boundOf(networkOf(module, 1), sequenceOf(module, 4, 2, 1), { output: {} });
  const seen: [number, Stage][] = [];
  const onProgress: OnProgress = (...told) => void seen.push(told);
  judgeRounding(boundCase, { onProgress } as Parameters<typeof judgeRounding>[1]);
  expect(seen).toEqual([0.25, 0.5, 0.75, 1].map((done) => [done, 'judging']));
});

test('many cases: how many are done, how many failed and how long it takes, on terminals only', () => {
  let now = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
  const lines: string[] = [];
  const io = (isTTY: boolean) => ({ stderr: { isTTY, write: (text: string) => lines.push(text) } }) as never;
  const { show, clear } = showSuiteProgress(io(true), 200);
  now = 500;
  show(10, 0);
  expect(lines).toEqual([]);
  now = 1000;
  show(50, 3);
  now = 1050;
  show(51, 3);
  clear();
  clear();
  expect(lines).toEqual(['\r\u001b[K50 of 200 cases  3 without parity  about 3 s left', '\r\u001b[K']);
  const silent = showSuiteProgress(io(false), 200);
  now = 5000;
  silent.show(100, 0);
  silent.clear();
  expect(lines).toHaveLength(2);
  clock.mockRestore();
});
