import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../schemas/config.js';
import { matcherOf, selects, suiteOptionsOf } from '../../src/suite/options.js';
import { casesOfPart } from '../../src/suite/shards.js';

describe('patterns', () => {
  test.each([
    ['exports/*', 'exports/a', true],
    ['exports/*', 'exports/a/b', true],
    ['exports/a*', 'exports/b', false],
    ['./exports/', 'exports/a', true],
    ['exports', 'exports2', false],
    ['**/gru*', 'x/y/gru-1', true],
    ['exports/.hidden', 'exports/.hidden', true],
    ['ops.json#lstm_*', 'ops.json#lstm_forward', true],
    ['ops.json#lstm_*', 'ops.json#gru', false],
  ])('%s and %s: %s', (pattern, path, isMatch) => {
    expect(matcherOf([pattern])(path)).toBe(isMatch);
  });

  test('without patterns nothing matches', () => {
    expect(matcherOf([])('a')).toBe(false);
  });

  test('--only takes globs, and parts of labels', () => {
    const labels = ['a/lstm', 'a/gru', 'b/lstm-2'];
    const selected = (...patterns: string[]) => labels.filter(selects(patterns));
    expect(selected('lstm')).toEqual(['a/lstm', 'b/lstm-2']);
    expect(selected('a/*')).toEqual(['a/lstm', 'a/gru']);
    expect(selected('gru', 'b/*')).toEqual(['a/gru', 'b/lstm-2']);
    expect(selected('lstm*')).toEqual(['a/lstm', 'b/lstm-2']);
    expect(selected('*.json')).toEqual([]);
  });
});

test('of several overrides the last counts, and tolerances of outputs and names come together', () => {
  const optionsOf = suiteOptionsOf({
    cases: ['*'],
    rule: 'close',
    tolerance: { atol: 1, h_n: { atol: 2 } },
    names: { output: 'out' },
    jobs: 2,
    bail: 1,
    overrides: [
      { cases: ['a*'], rule: 'auto', tolerance: { c_n: { atol: 3 } }, names: { input: 'in' } },
      { cases: ['ab', 'c'], padding: 'ignore', tolerance: { atol: 4 } },
    ],
  });
  expect(optionsOf('z')).toEqual({
    rule: 'close',
    tolerance: { atol: 1, h_n: { atol: 2 } },
    names: { output: 'out' },
  });
  expect(optionsOf('a')).toEqual({
    rule: 'auto',
    tolerance: { atol: 1, h_n: { atol: 2 }, c_n: { atol: 3 } },
    names: { output: 'out', input: 'in' },
  });
  expect(optionsOf('ab')).toMatchObject({
    rule: 'auto',
    padding: 'ignore',
    tolerance: { atol: 4, h_n: { atol: 2 }, c_n: { atol: 3 } },
  });
  expect(optionsOf('a')).toBe(optionsOf('ax'));
});

test.each([
  [{}, 'cases: is missing: a list is needed'],
  [{ cases: [] }, 'cases: is empty'],
  [{ cases: [''] }, 'cases.0: is empty'],
  [{ cases: 'a' }, 'cases: is not a list'],
  [{ cases: ['a'], atol: 1 }, 'atol: is not an option of a suite'],
  [{ cases: ['a'], jobs: 0 }, 'jobs: is less than 1'],
  [{ cases: ['a'], jobs: 1.5 }, 'jobs: is not a whole number'],
  [{ cases: ['a'], padding: 'zero' }, 'padding: is neither a number nor ignore'],
  [{ cases: ['a'], overrides: [{ rule: 'auto' }] }, 'overrides.0.cases: is missing: a list is needed'],
  [{ cases: ['a'], tolerance: { atol: -1 } }, 'tolerance.atol: is negative'],
])('what is wrong with a configuration is said: %j', (config, message) => {
  const parsed = parseConfig(config);
  const issues = 'issues' in parsed ? parsed.issues : [];
  expect(issues.map(({ field, problem }) => `${field}: ${problem}`)).toEqual([message]);
});

test('shards: every case is in one of them, in its order, and none has much more to do than another', () => {
  const works = fc.array(fc.integer({ min: 1, max: 1000 }), { maxLength: 60 });
  fc.assert(
    fc.property(works, fc.integer({ min: 1, max: 9 }), (work, count) => {
      const parts = Array.from({ length: count }, (_, i) => casesOfPart(work, { index: i + 1, count }));
      for (const part of parts) expect(part).toEqual([...part].sort((a, b) => a - b));
      expect(parts.flat().sort((a, b) => a - b)).toEqual(work.map((_, i) => i));
      const loads = parts.map((part) => part.reduce((sum, i) => sum + work[i], 0));
      expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(Math.max(0, ...work));
    }),
  );
});
