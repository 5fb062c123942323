import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Place } from '../../src/compare/element.js';
import type { TensorComparison } from '../../src/compare/tensor.js';
import { comparisonText } from '../../src/report/comparison-text.js';
import { reportedComparison } from '../../src/report/in-words.js';
import type { ReportedComparison } from '../../src/report/reported.js';
import { stepTable } from '../../src/report/step-table.js';
import { fold } from '../../src/report/terminal/fold.js';
import {
  digitsApart,
  formatDifference,
  formatExact,
  formatValue,
} from '../../src/report/terminal/numbers.js';
import { positionOf } from '../../src/tensor/reference.js';
import type { Comparison, Subject } from '../../src/verdict/comparison.js';
import { cli, sampleNames } from '../cli.js';

describe('numbers', () => {
  test.each([
    [0, '0'],
    [2.1e-8, '2.1e-8'],
    [3e-4, '3e-4'],
    [0.312, '0.31'],
    [57.4, '57'],
    [1234, '1.2e3'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'inf'],
  ])('a difference of %d is %s', (value, text) => expect(formatDifference(value)).toBe(text));

  test.each([
    [1.3e-6, '1.3e-6'],
    [1e-5, '1e-5'],
    [0.02, '0.02'],
    [1.234e-5, '1.234e-5'],
    [0, '0'],
    [2e7, '2e7'],
  ])('a tolerance of %d is %s', (value, text) => {
    expect(formatExact(value)).toBe(text);
    expect(Number(text)).toBe(value);
  });

  test('values keep to their width, and to their digits where there is room', () => {
    expect(formatValue(0.066769342, 8, 24)).toBe('0.06676934');
    expect(formatValue(-0.066769342, 7, 8)).toBe('-0.06677');
    expect(formatValue(-0.0000012345678, 7, 24)).toBe('-1.234568e-6');
    expect(formatValue(123456789.5, 7, 8)).toBe('1.2346e8');
    expect(formatValue(0, 7, 9)).toBe('0');
    expect(formatValue(Number.NEGATIVE_INFINITY, 7, 9)).toBe('-inf');
    fc.assert(
      fc.property(
        fc.double({ noNaN: true }),
        fc.integer({ min: 7, max: 17 }),
        fc.integer({ min: 8, max: 24 }),
        (value, digits, width) => {
          const text = formatValue(value, digits, width);
          expect(text.length).toBeLessThanOrEqual(width);
          if (Number.isFinite(value) && Math.abs(value) > 1e-300) {
            expect(Math.abs(Number(text) / value - 1) < 0.5 || Math.abs(value) > 1e307).toBe(true);
          }
        },
      ),
    );
  });

  test.each([
    [1, 1, 0],
    [0, -0, 0],
    [1, 2, 1],
    [1, 1.04, 3],
    [1.04, 1.06, 2],
    [0.123456, 0.123457, 6],
    [1e300, -1e300, 1],
    [1, 1 + Number.EPSILON, 17],
    [Number.NaN, 1, 0],
    [1, Number.POSITIVE_INFINITY, 0],
  ])('%d and %d differ in %d digits', (a, b, digits) => expect(digitsApart(a, b)).toBe(digits));

  test('the digits that tell two numbers apart do, and one digit fewer does not', () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.integer({ min: 0, max: 16 }),
        (a, power) => {
          const b = a * (1 + 10 ** -power);
          const digits = digitsApart(a, b);
          if (digits === 0) expect(a === b || !Number.isFinite(b)).toBe(true);
          else expect(a.toPrecision(digits)).not.toBe(b.toPrecision(digits));
          if (digits > 1) expect(a.toPrecision(digits - 1)).toBe(b.toPrecision(digits - 1));
        },
      ),
    );
  });
});

test('folding shows the ends and what matters, and counts every row once', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 400 }),
      fc.array(fc.nat(399), { maxLength: 3 }),
      (rows, important) => {
        const matter = important.map((row) => row % rows);
        const lines = fold(rows, matter, false);
        const seen = lines.flatMap((line) =>
          'row' in line ? [line.row] : Array.from({ length: line.to - line.from }, (_, i) => line.from + i),
        );
        expect(seen).toEqual(Array.from({ length: rows }, (_, i) => i));
        const shown = lines.flatMap((line) => ('row' in line ? [line.row] : []));
        expect(shown).toEqual(expect.arrayContaining([0, rows - 1, ...matter]));
        expect(lines.length).toBeLessThan(60);
        expect(fold(rows, matter, true)).toHaveLength(rows);
      },
    ),
  );
});

const FLOAT32 = { kind: 'dtype', dtype: 'float32' } as const;

/** Comparisons as wide as they come: large sizes, long numbers, layers above ten. */
const wide = fc
  .record({
    batch: fc.constantFrom(1, 64),
    hidden_size: fc.constantFrom(1, 1024),
    num_layers: fc.constantFrom(1, 12),
    bidirectional: fc.boolean(),
    steps: fc.constantFrom(1, 30, 20_000),
    scale: fc.constantFrom(1, 1e-9, 1e5, 1e300),
    difference: fc.constantFrom(0, 1e-16, 1e-7, 0.3, Number.NaN, Number.POSITIVE_INFINITY),
    verdict: fc.constantFrom<Comparison['verdict'][]>('parity', 'differs', 'ill-conditioned'),
    columns: fc.constantFrom(80, 81, 100, 101, 160),
  })
  .map((drawn): { comparison: ReportedComparison; columns: number } => {
    const { batch, hidden_size, num_layers, steps, scale, difference, verdict, columns } = drawn;
    const directions = drawn.bidirectional ? (['forward', 'reverse'] as const) : (['forward'] as const);
    const tensorOf = (name: TensorComparison['name'], rows: number, units: number): TensorComparison => {
      const axes = { layer: name === 'output' ? num_layers - 1 : undefined, directions, steps };
      const place = (row: number): Place => ({
        ...positionOf({ name, dtype: 'F32', rows, batch, units, axes }, (row + 1) * batch * units - 1),
        expected: -0.123456789012345 * scale,
        actual: (-0.123456789012345 + difference) * scale,
        difference: difference * scale,
      });
      const elements = batch * units;
      const mismatches = verdict === 'parity' ? 0 : elements;
      return {
        name,
        dtype: 'float32',
        tolerance: { rtol: 1.3e-6, atol: 1e-5, source: { rtol: FLOAT32, atol: FLOAT32 } },
        elements: elements * rows,
        mismatches: mismatches * rows,
        rows: Array.from({ length: rows }, (_, row) => ({
          elements,
          mismatches,
          worst: place(row),
          relative: difference,
        })),
        worst: place(rows - 1),
        smallestAtol: Number.isFinite(difference) ? 3.1e-8 : undefined,
        zerosPass: false,
        nans: 0,
      };
    };
    const states = num_layers * directions.length;
    const tensors = [
      tensorOf('output', steps, directions.length * hidden_size),
      tensorOf('h_n', states, hidden_size),
    ];
    const subject: Subject = {
      kind: 'LSTM',
      cell: false,
      nonlinearity: 'tanh',
      input_size: 512,
      hidden_size,
      proj_size: 0,
      num_layers,
      directions,
      bias: false,
      prefix: 'model.encoder.',
      steps,
      batch,
      batch_first: true,
      compute: 'float64',
      equal_nan: false,
      words: [`LSTM 512 → ${hidden_size}`, `${num_layers} layers`, 'bidirectional', 'no bias', 'batch_first'],
    };
    const compared: Comparison = {
      verdict,
      subject,
      tensors,
      notChecked: ['c_n'],
      first: verdict === 'differs' ? { tensor: 'output', place: tensors[0].rows[0].worst } : undefined,
      divergesAt: verdict === 'ill-conditioned' ? 12 : undefined,
      kernels: { name: 'plain', threads: 1 },
      notes: [{ kind: 'batch_first', taken: true }],
      warnings: [{ kind: 'zeros-pass', tensor: 'output' }],
      advice: [{ kind: 'another-reading', batch_first: true, mismatches: 0, of: 8 }],
    };
    return { comparison: reportedComparison(compared, 'from the command line'), columns };
  });

const common = {
  allSteps: false,
  verbose: false,
  tellsError: true,
  readPage: () => ({ scripts: [], style: '' }),
  version: '1.0.0',
};

const tooLong = (text: string, columns: number) => text.split('\n').filter((line) => line.length > columns);

test('no line is longer than the terminal is wide', () => {
  fc.assert(
    fc.property(wide, ({ comparison, columns }) => {
      const terminal = { columns, color: false };
      const table = stepTable(comparison, terminal, false);
      expect(tooLong(table, columns)).toEqual([]);
      // Only a hundred thousand values a row leave no room for values.
      const { batch, hidden_size } = comparison.subject;
      if (batch * hidden_size < 10_000) expect(table).toContain('reference');
      expect(table.split('\n')).not.toContainEqual(expect.stringMatching(/…$/));
      const reporter = comparisonText({ ...common, terminal, quiet: false });
      const text = reporter.begin(['a/case']) + reporter.result({ label: 'a/case', comparison });
      expect(tooLong(text, columns)).toEqual([]);
      const several = comparisonText({ ...common, terminal, quiet: true });
      const line =
        several.begin(['a/case', 'another/case']) + several.result({ label: 'a/case', comparison });
      expect(tooLong(line, columns)).toEqual([]);
    }),
    { numRuns: 300, verbose: 0 },
  );
});

test('a narrow terminal gets a table without the values rather than broken lines', () => {
  fc.assert(
    fc.property(wide, ({ comparison }) => {
      const table = stepTable(comparison, { columns: 30, color: false }, false);
      expect(table).toContain('\n');
      expect(table).not.toContain('expected');
    }),
    { numRuns: 20, verbose: 0 },
  );
});

test('every sample keeps to 80 columns, all steps and all cases', async () => {
  for (const name of [...sampleNames(), ...sampleNames('failing')]) {
    const { stdout } = await cli(['verify', `samples/${name}`, '--all-steps'], { columns: 80 });
    expect(stdout).toContain(name);
    expect(tooLong(stdout, 80)).toEqual([]);
  }
  const { stdout } = await cli(['verify', 'samples', 'samples/failing/*'], { columns: 80 });
  expect(tooLong(stdout, 80)).toEqual([]);
});

// What a reader sees, to the character. `vitest -u` writes these files anew.
test.each([
  ['parity', ['samples/lstm'], 80],
  ['parity-wide', ['samples/lstm'], 120],
  ['notebook', ['samples/notebook-rnn-bidirectional'], 80],
  ['long', ['samples/gru-long'], 80],
  ['lengths', ['samples/gru-lengths'], 80],
  ['float64', ['samples/lstm-float64'], 80],
  ['differs-perturbed', ['samples/failing/gru-perturbed-step'], 80],
  ['differs-lengths', ['samples/failing/lstm-ignored-lengths'], 80],
  [
    'several',
    ['samples/lstm', 'samples/notebook-gru', 'samples/failing/rnn-forgotten-bias', 'samples/nowhere'],
    80,
  ],
  ['quiet', ['samples', 'samples/failing/*', '--quiet'], 80],
  ['close', ['samples/gru', '--rule', 'close'], 80],
  ['close-differs', ['samples/failing/gru-perturbed-step', '--rule', 'close'], 80],
  ['close-several', ['samples/gru-lengths', 'samples/failing/rnn-forgotten-bias', '--rule', 'close'], 80],
])('golden output: %s', async (name, argv, columns) => {
  const { stdout } = await cli(['verify', ...argv], { columns });
  await expect(stdout.replace(/, \d+\.\d s\)/, ', 0.0 s)')).toMatchFileSnapshot(`../golden/${name}.txt`);
});
