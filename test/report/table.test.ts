import fc from 'fast-check';
import { expect, test } from 'vitest';
import { styleFor } from '../../src/report/terminal/style.js';
import { alignRows, columnWidths, drawRows, renderTable } from '../../src/report/terminal/table.js';

const plain = styleFor({ columns: 80, color: false });
const { good, dim } = styleFor({ columns: 80, color: true });

const cell = fc
  .stringMatching(/^[ -~]{0,14}$/)
  .map((text) => text.trim())
  .chain((text) => fc.constantFrom(text, text && good(text), text && dim(text)));

test('long tables are aligned as short ones are drawn, with colours and without', () => {
  const tables = fc.integer({ min: 1, max: 6 }).chain((columns) =>
    fc.record({
      rows: fc.array(fc.array(cell, { minLength: 1, maxLength: columns }), { minLength: 1, maxLength: 30 }),
      aligns: fc.array(fc.constantFrom('left' as const, 'right' as const), {
        minLength: columns,
        maxLength: columns,
      }),
    }),
  );
  fc.assert(
    fc.property(tables, ({ rows, aligns }) => {
      // The first cell of a line is never empty: a step, or a name.
      const full = rows.map(([first, ...others]) => [first || '0', ...others]);
      const widths = columnWidths([aligns.map(() => ' '), ...full]);
      expect(alignRows(full, widths, aligns)).toEqual(drawRows(full, widths, aligns));
    }),
    { numRuns: 500 },
  );
});

test('a table has no borders; a text across goes on beyond the columns', () => {
  const columns = [
    { head: 'step', align: 'right' },
    { head: 'h', align: 'left' },
  ] as const;
  const lines = [
    ['0', '0.25'],
    { label: '⋮', across: '37 steps, all of them within rounding' },
    ['40', '-1'],
  ];
  expect(renderTable(columns, lines, plain).split('\n')).toEqual([
    '  step  h',
    '     0  0.25',
    '     ⋮  37 steps, all of them within rounding',
    '    40  -1',
  ]);
  const many = Array.from({ length: 200 }, (_, i) => [String(i), '1']);
  expect(renderTable(columns, many, plain).split('\n').slice(99, 102)).toEqual([
    '    98  1',
    '    99  1',
    '   100  1',
  ]);
});
