import { beforeEach, expect, test, vi } from 'vitest';
import { cli } from '../cli.js';

const searches = vi.hoisted(() => ({ count: 0 }));

vi.mock('../../src/diagnose/diagnose.js', async (original) => {
  const { quickCause, ...others } = await original<typeof import('../../src/diagnose/diagnose.js')>();
  return {
    ...others,
    quickCause: (...argv: Parameters<typeof quickCause>) => {
      searches.count++;
      return quickCause(...argv);
    },
  };
});

beforeEach(() => {
  searches.count = 0;
});

const DIFFERING = 'samples/failing/lstm-swapped-gates';

test.each<[number, string[]]>([
  [0, ['--quiet']],
  [1, []],
  [1, ['--quiet', '--reporter', 'json']],
  [1, ['--quiet', '--reporter', 'markdown']],
])(
  'the cause of a difference is searched for only where a report tells it: %d with %s',
  async (count, argv) => {
    const { code } = await cli(['verify', DIFFERING, ...argv]);
    expect({ code, searches: searches.count }).toEqual({ code: 1, searches: count });
  },
);

test('a suite whose every case has a line alone searches for no cause', async () => {
  const { code } = await cli(['verify', 'samples/failing', '--quiet', '--jobs', '1']);
  expect({ code, searches: searches.count }).toEqual({ code: 1, searches: 0 });
});
