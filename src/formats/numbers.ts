import { CellcheckError, printable } from '../errors.js';
import { NAMELESS, stateDict } from '../tensor/state-dict.js';
import type { Format } from './format.js';
import { readDigits, type Written } from './printed-digits.js';
import { appendNumber, noNumbers } from './printed-values.js';
import { decodedText } from './text.js';

/**
 * Numbers in rows, as numpy.savetxt, pandas, a spreadsheet or a loop of printf writes them: a row a step, separated by
 * commas, semicolons or white space; blank lines part the batch rows. A line of names may stand on top.
 */
export const numbers: Format = {
  name: 'numbers',
  endings: ['.csv', '.tsv', '.txt'],
  text: true,
  holds: 'a row of numbers for each step',
  // Other text than this has names, brackets or prompts.
  looksLike: (head) =>
    /^(?:\xef\xbb\xbf)?(?:#[^\n]*(?:\n|$))*[-+.,;\d\seEnaifNAIF]*$/.test(head) && /\d/.test(head),
  open(source) {
    const text = decodedText(source.read(0, source.size));
    const { shape, written, notes } = rowsOf(text);
    const [{ values, printed }] = readDigits([written]);
    const tensors = stateDict({
      [NAMELESS]: {
        dtype: 'F32',
        shape,
        data: values,
        batchFirst: true as const,
        ...(printed && { printed }),
      },
    });
    return { tensors: () => ({ ...tensors, notes }) };
  },
};

const NUMBER = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/;
const SPECIAL: ReadonlyMap<string, number> = new Map([
  ['nan', Number.NaN],
  ['inf', Number.POSITIVE_INFINITY],
  ['infinity', Number.POSITIVE_INFINITY],
]);

function special(token: string): number | undefined {
  const [, sign, word] = /^([-+]?)(.*)$/s.exec(token.toLowerCase())!;
  const value = SPECIAL.get(word);
  return value === undefined ? undefined : sign === '-' ? -value : value;
}

const isNumberText = (token: string) => NUMBER.test(token) || special(token) !== undefined;

interface Rows {
  /** [rows, columns], or [blocks, rows, columns] where blank lines part them */
  readonly shape: readonly number[];
  readonly written: Written;
  readonly notes: readonly string[];
}

function rowsOf(text: string): Rows {
  const written = noNumbers();
  const notes: string[] = [];
  // The rows of each block.
  const blocks: number[] = [];
  let columns: number | undefined;
  let names: number | undefined;
  let hasIndex = false;
  let afterBlank = true;
  let index = -1;
  for (const line of linesOf(text)) {
    if (++index === MOST_LINES) throw tooLarge(`more than ${MOST_LINES} lines`);
    if (line.startsWith('#') && !line.startsWith('#N/A')) continue;
    if (line.trim() === '') {
      afterBlank = true;
      continue;
    }
    const fail = (problem: string, hints: readonly string[] = []): never => {
      throw new CellcheckError({ problem: `line ${index + 1} ${problem}`, hints });
    };
    const cells = cellsOf(line);
    if (blocks.length === 0 && names === undefined && areNames(cells)) {
      names = cells.length;
      // pandas writes the index of each row first, and no name above it.
      hasIndex = cells[0] === '';
      if (hasIndex)
        notes.push('the first column has no name: it is taken as the number of the row, and left aside');
      continue;
    }
    const row = hasIndex ? cells.slice(1) : cells;
    columns ??= row.length;
    if (row.length !== columns)
      fail(`has ${count(row.length, 'number')} where the rows before it have ${columns}`, [
        'The rows of a tensor must all have the same length.',
      ]);
    for (const cell of row) {
      if (!isNumberText(cell)) fail(`has ${printable(cell)} in the place of a number`, hintFor(cell));
      const value = special(cell) ?? Number(cell);
      if (special(cell) === undefined && !Number.isFinite(value))
        fail('has a number beyond double precision');
      appendNumber(written, cell, value);
    }
    if (written.values.length > MOST_NUMBERS) throw tooLarge(`more than ${MOST_NUMBERS} numbers`);
    if (names !== undefined && blocks.length === 0 && cells.length !== names)
      fail(`has ${count(cells.length, 'column')}, and the line of names ${names}`);
    if (afterBlank) blocks.push(0);
    afterBlank = false;
    blocks[blocks.length - 1]++;
  }
  if (columns === undefined) throw new CellcheckError({ problem: 'holds no numbers' });
  if (names === undefined && countsColumns(written, columns)) {
    for (const list of [written.values, written.decimals, written.exponents, written.significant])
      list.splice(0, columns);
    blocks[0]--;
    notes.push('the first row counts the columns: it is taken as their names');
  }
  const [rows] = blocks;
  const other = blocks.findIndex((size) => size !== rows);
  if (other >= 0) {
    throw new CellcheckError({
      problem: `its blocks between blank lines have ${rows} and ${blocks[other]} rows`,
      hints: [
        'Blank lines part the batch rows, and each has all steps: pad shorter ones, and give the lengths.',
      ],
    });
  }
  return { shape: blocks.length > 1 ? [blocks.length, rows, columns] : [rows, columns], written, notes };
}

/** Whether the first row is 0, 1, 2 … above numbers with decimals: pandas names columns so. */
function countsColumns({ values, decimals }: Written, columns: number): boolean {
  const isCount = (value: number, i: number) => value === i && decimals[i] === 0;
  return (
    columns > 1 &&
    values.slice(0, columns).every(isCount) &&
    decimals.some((count, i) => i >= columns && count > 0)
  );
}

// Text takes many times its size in memory.
const MOST_NUMBERS = 1_000_000;
const MOST_LINES = 200_000;
const LONGEST_LINE = 2 ** 20;

const tooLarge = (found: string) =>
  new CellcheckError({
    found,
    expected: `${MOST_NUMBERS} numbers in ${MOST_LINES} lines at most`,
    hints: ['Save tensors of this size as .npy.'],
  });

/** The lines of a text one after the other: all of them at once would take several times its size. */
function* linesOf(text: string): Generator<string> {
  const end = /\r\n|\n|\r|$/g;
  for (let start = 0; start <= text.length; start = end.lastIndex) {
    end.lastIndex = start;
    const found = end.exec(text)!;
    if (found.index - start > LONGEST_LINE) throw tooLarge(`a line of ${found.index - start} characters`);
    yield text.slice(start, found.index);
    if (found[0] === '') return;
  }
}

const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`;

/**
 * Whether a line is one of names. None of them looks like a number: that would be a slip in the first row. Behind a name,
 * or the empty one of an index, they may be whole numbers, as pandas counts columns.
 */
function areNames([first, ...rest]: readonly string[]): boolean {
  const isName = (cell: string) => cell !== '' && !isNumberText(cell) && !STARTS_AS_NUMBER.test(cell);
  return (first === '' || isName(first)) && rest.every((cell) => isName(cell) || /^\d{1,6}$/.test(cell));
}

const STARTS_AS_NUMBER = /^[-+.]?\d|^#N/;

function cellsOf(line: string): string[] {
  const separator = [',', ';', '\t'].find((candidate) => line.includes(candidate));
  const cells = separator ? line.split(separator).map((cell) => cell.trim()) : line.trim().split(/\s+/);
  // A loop of printf ends each line with a separator.
  if (cells.length > 1 && cells[cells.length - 1] === '') cells.pop();
  return cells.map((cell) => cell.replace(/^"(.*)"$/, '$1'));
}

function hintFor(cell: string): string[] {
  if (/^[-+]?\d*;[-+]?\d*$/.test(cell)) return ['Write decimals with a point: a comma separates numbers.'];
  if (/^[-+]?0x/i.test(cell)) return ['Hexadecimal numbers are not read: print with %.9g.'];
  return ['Rows of numbers may have one line of names on top, and comments that begin with #.'];
}
