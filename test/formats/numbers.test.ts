import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openContents } from '../../src/formats/contents.js';
import { numbers } from '../../src/formats/numbers.js';
import { NAMELESS } from '../../src/tensor/state-dict.js';
import { linesOf } from '../errors.js';
import { sourceOf } from './source.js';

const open = (text: string | Uint8Array) =>
  numbers.open(sourceOf(typeof text === 'string' ? Buffer.from(text) : text)).tensors();
const tensorOf = (text: string | Uint8Array) => open(text).load([NAMELESS]).get(NAMELESS)!;
const read = (text: string | Uint8Array) => {
  const { shape, data } = tensorOf(text);
  return { shape, data: [...data] };
};
const refusal = (text: string) => linesOf(() => open(text));
const ROWS = { shape: [2, 3], data: [0.5, -1, 2.25, 3, 0.125, 1e-3] };

describe('rows of numbers, a row a step', () => {
  test.each([
    ['spaces', '0.5 -1 2.25\n3 0.125 1e-3\n'],
    ['several spaces, also around', '  0.5   -1  2.25 \n 3 0.125   1e-3  '],
    ['tabs', '0.5\t-1\t2.25\n3\t0.125\t1e-3\n'],
    ['commas', '0.5,-1,2.25\n3,0.125,1e-3\n'],
    ['commas and spaces', '0.5, -1, 2.25\n3 ,0.125 , 1e-3\n'],
    ['semicolons', '0.5;-1;2.25\n3; 0.125; 1e-3'],
    ['a separator at the end of each line', '0.5,-1,2.25,\n3,0.125,1e-3,\n'],
    ['another in each line', '0.5,-1,2.25\n3;0.125;1e-3\n'],
    ['CRLF', '0.5,-1,2.25\r\n3,0.125,1e-3\r\n'],
    ['CR', '0.5,-1,2.25\r3,0.125,1e-3\r'],
    ['quotes', '"0.5","-1","2.25"\n"3","0.125","1e-3"\n'],
    ['a byte order mark', '\ufeff0.5,-1,2.25\n3,0.125,1e-3'],
    ['blank lines around', '\n \n0.5 -1 2.25\n3 0.125 1e-3\n\n\t\n'],
    ['comments', '# saved by numpy\n0.5 -1 2.25\n#0 0 0\n3 0.125 1e-3\n# end'],
    ['other ways to write numbers', '.5 -1. +2.25\n3.0e0 1.25E-1 1e-03'],
  ])('separated by %s', (_, text) => {
    expect(read(text)).toEqual(ROWS);
  });

  test('names on top are no row', () => {
    for (const top of ['a,b,c', '"a","b","c"', 'h 0,h 1,h 2', '# why\na,b,c', '\na,b,c', 't,1,2,']) {
      expect(read(`${top}\n0.5,-1,2.25\n3,0.125,1e-3`)).toEqual(ROWS);
      expect(open(`${top}\n0.5,-1,2.25\n3,0.125,1e-3`).notes).toEqual([]);
    }
  });

  test('a first column without a name is the number of the row, as pandas writes it, and a note says so', () => {
    const text = ',0,1,2\n0,0.5,-1,2.25\n1,3,0.125,1e-3\n';
    expect(read(text)).toEqual(ROWS);
    expect(open(text).notes).toEqual([
      'the first column has no name: it is taken as the number of the row, and left aside',
    ]);
    expect(read(text.replaceAll(',', ';'))).toEqual(ROWS);
    // Its digits say nothing about those of the others.
    expect(tensorOf(',a\n0.123,1\n1.5,2').printed).toBeUndefined();
  });

  test('a first row that counts the columns above numbers with decimals is pandas’ line of names', () => {
    expect(read('0,1,2\n0.5,-1,2.25\n3,0.125,1e-3\n')).toEqual(ROWS);
    expect(open('0,1,2\n0.5,-1,2.25\n3,0.125,1e-3\n').notes).toEqual([
      'the first row counts the columns: it is taken as their names',
    ]);
    // Of whole numbers nobody can tell.
    expect(read('0,1\n1,0\n')).toEqual({ shape: [2, 2], data: [0, 1, 1, 0] });
    expect(read('0,1,3\n0.5,1,2\n').shape).toEqual([2, 3]);
    expect(read('0\n0.5\n').shape).toEqual([2, 1]);
  });

  test('one row, one column, one number', () => {
    expect(read('1 2 3')).toEqual({ shape: [1, 3], data: [1, 2, 3] });
    expect(read('1\n2\n3\n')).toEqual({ shape: [3, 1], data: [1, 2, 3] });
    expect(read('1,\n2,\n')).toEqual({ shape: [2, 1], data: [1, 2] });
    expect(read('7')).toEqual({ shape: [1, 1], data: [7] });
  });

  test('NaN and infinities, as anybody writes them', () => {
    const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
    expect(read('nan NaN NAN -nan').data).toEqual([nan, nan, nan, nan]);
    expect(read('inf,Inf,+inf,-INF,Infinity,-infinity').data).toEqual([inf, inf, inf, -inf, inf, -inf]);
    // Such a row is no line of names.
    expect(read('nan,inf\n1,2').shape).toEqual([2, 2]);
  });

  test('numbers of any sort are read as Number reads them', () => {
    const number = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => Number(value.toPrecision(9))),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(number, number), { minLength: 1, maxLength: 9 }), (rows) => {
        // One that float32 does not hold, with so many digits that all of them are taken as float64.
        const all = [...rows, [Math.PI, 1] as const];
        const { shape, data } = read(all.map((row) => row.join(',')).join('\n'));
        expect(shape).toEqual([all.length, 2]);
        expect(data.map((value) => value + 0)).toEqual(all.flat().map((value) => value + 0));
      }),
    );
  });
});

describe('blank lines part the batch rows', () => {
  const FIRST = '1 2\n3 4\n5 6';
  const SECOND = '7 8\n9 10\n11 12';
  const values = Array.from({ length: 12 }, (_, i) => i + 1);

  test('[batch, steps, features], which says so itself', () => {
    for (const between of ['\n\n', '\n\n\n\n', '\n \t\n', '\n# row 1\n\n# row 2\n', '\r\n\r\n']) {
      const tensor = tensorOf(`\n${FIRST}${between}${SECOND}\n\n`);
      expect({ ...tensor, data: [...tensor.data] }).toEqual({
        dtype: 'F32',
        shape: [2, 3, 2],
        data: values,
        batchFirst: true,
      });
    }
    expect(tensorOf(FIRST).shape).toEqual([3, 2]);
  });

  test('as numpy.savetxt in a loop does, with a comment above each', () => {
    const block = (name: string, rows: string) => `# ${name}\n${rows}\n`;
    // A comment alone parts nothing.
    expect(tensorOf(block('row 0', FIRST) + block('row 1', SECOND)).shape).toEqual([6, 2]);
  });

  test('names stand on top of the file only', () => {
    expect(tensorOf(`a,b\n\n1,2\n\n3,4`).shape).toEqual([2, 1, 2]);
    expect(refusal('a,b\n1,2\n\na,b\n3,4')).toEqual([
      'line 4 has a in the place of a number',
      '  Rows of numbers may have one line of names on top, and comments that begin with #.',
    ]);
  });

  test('each has all steps', () => {
    expect(refusal(`${FIRST}\n\n7 8\n9 10`)).toEqual([
      'its blocks between blank lines have 3 and 2 rows',
      '  Blank lines part the batch rows, and each has all steps: pad shorter ones, and give the lengths.',
    ]);
    expect(refusal('1\n\n2\n\n3\n4')[0]).toBe('its blocks between blank lines have 1 and 2 rows');
  });
});

describe('how exact the numbers are', () => {
  test('is told by their decimals: half of the last place', () => {
    const { data, printed } = tensorOf('0.1234,-1.5\n0.5,0.0001');
    expect([...data]).toEqual([0.1234, -1.5, 0.5, 0.0001]);
    expect(printed!.decimals).toBe(4);
    for (const half of printed!.halfUnits) expect(half / 0.00005).toBeCloseTo(1, 2);
  });

  test('by those of the whole file, all batch rows of it', () => {
    const { printed } = tensorOf('0.12,0.5\n\n0.123,0.25\n');
    expect(printed!.decimals).toBe(3);
    expect(printed!.halfUnits).toHaveLength(4);
  });

  test('with an exponent by the digits before it, as %.18e and %.4e write them', () => {
    expect(tensorOf('1.000000000000000056e-01 2.500000000000000000e-01').printed).toBeUndefined();
    const { printed } = tensorOf('1.2345e-01 6.7891e+01');
    expect(printed!.decimals).toBe(4);
    expect(printed!.halfUnits[0]).toBeCloseTo(0.5e-5, 12);
    expect(printed!.halfUnits[1]).toBeCloseTo(0.5e-3, 10);
  });

  test('nothing is lost where the digits tell float32 or float64 apart from its neighbours', () => {
    const values = [0.1, -1 / 3, 2 / 7].map(Math.fround);
    const shown = values.map(String).join(' ');
    const { data, printed } = tensorOf(shown);
    expect(printed).toBeUndefined();
    expect([...data]).toEqual(values);
    expect(tensorOf('0.6666666666666666,0.3333333333333333').printed).toBeUndefined();
    expect(read('0.6666666666666666,0.3333333333333333').data).toEqual([2 / 3, 1 / 3]);
  });

  test('whole numbers are exact', () => {
    expect(tensorOf('1 2\n3 4').printed).toBeUndefined();
  });
});

describe('what is refused, with the line', () => {
  const ROWS_HINT = '  Rows of numbers may have one line of names on top, and comments that begin with #.';
  const RAGGED = '  The rows of a tensor must all have the same length.';
  const POINT = '  Write decimals with a point: a comma separates numbers.';

  test.each([
    ['1 2 3\n4 5', ['line 2 has 2 numbers where the rows before it have 3', RAGGED]],
    ['1 2\n\n# x\n4', ['line 4 has 1 number where the rows before it have 2', RAGGED]],
    ['1,2\n3,4,5', ['line 2 has 3 numbers where the rows before it have 2', RAGGED]],
    [',a,b\n0,1,2\n1,3', ['line 3 has 1 number where the rows before it have 2', RAGGED]],
    ['1 2\n3 x', ['line 2 has x in the place of a number', ROWS_HINT]],
    ['1,2\n3,', ['line 2 has 1 number where the rows before it have 2', RAGGED]],
    ['1,2,3\n4,,6', ['line 2 has "" in the place of a number', ROWS_HINT]],
    ['a\nb\n1', ['line 2 has b in the place of a number', ROWS_HINT]],
    ['1\n1_000', ['line 2 has 1_000 in the place of a number', ROWS_HINT]],
    ['1\n1e', ['line 2 has 1e in the place of a number', ROWS_HINT]],
    ['1\n.', ['line 2 has . in the place of a number', ROWS_HINT]],
    ['1\n--1', ['line 2 has --1 in the place of a number', ROWS_HINT]],
    ['1\n1d5', ['line 2 has 1d5 in the place of a number', ROWS_HINT]],
    ['1\n1+2j', ['line 2 has 1+2j in the place of a number', ROWS_HINT]],
    ['1\n١', ['line 2 has ١ in the place of a number', ROWS_HINT]],
    ['1\n1e999', ['line 2 has a number beyond double precision']],
    ['1\n-1e999', ['line 2 has a number beyond double precision']],
    [
      '1 2\n0x1p-3 2',
      ['line 2 has 0x1p-3 in the place of a number', '  Hexadecimal numbers are not read: print with %.9g.'],
    ],
    ['1 2 3\n0,5;0,25', ['line 2 has "5;0" in the place of a number', POINT]],
    ['a;b\n0,5;0,25\n', ['line 2 has "5;0" in the place of a number', POINT]],
    ['', ['holds no numbers']],
    ['# 1 2\n\n', ['holds no numbers']],
    ['a,b\n', ['holds no numbers']],
  ])('%j', (text, lines) => {
    expect(refusal(text)).toEqual(lines);
  });

  test('decimal commas, whatever separates the numbers', () => {
    for (const text of ['0,5;0,25\n0,5;0,75', '0,5;0,25', '0,5;0,25;0,125'])
      expect(refusal(text)[1], text).toBe(POINT);
  });

  test('a first row with a slip is no line of names', () => {
    for (const first of ['0.1,0.2x,0.3', '0.1,,0.3', '0.1,#N/A,0.3', '0.1,-,0.3', '0x1p-3,0.2,0.3'])
      expect(refusal(`${first}\n0.4,0.5,0.6\n`)[0], first).toMatch(/^line 1 has /);
  });

  test('as many names as columns, or an index', () => {
    expect(refusal('a,b\n1,2,3\n')).not.toEqual([]);
    // As pandas writes it with sep="\t": the index has no name there either.
    expect(read('\ta\tb\n0\t2.5\t3.5\n1\t4.5\t5.5\n')).toEqual({ shape: [2, 2], data: [2.5, 3.5, 4.5, 5.5] });
    expect(refusal('a,b,c\n1,2\n')).not.toEqual([]);
  });

  test('what is no text', () => {
    expect(() => open(Uint8Array.of(49, 44, 0xff))).toThrow('is not UTF-8 text');
  });

  test('16 MiB of text are read, and no more', () => {
    expect(() => open(`${' '.repeat(16 * 2 ** 20)}1`)).toThrow(
      'found 16777217 bytes of printed text, expected 16777216 at most',
    );
  });

  test('a million numbers in 200,000 lines are read, and no more', () => {
    const row = '0.5 1 2 3 4\n';
    expect(tensorOf(row.repeat(199_999)).shape).toEqual([199_999, 5]);
    expect(() => open(row.repeat(200_001))).toThrow('found more than 200000 lines, expected 1000000 numbers');
    expect(() => open('0.5 1 2 3 4 5 6 7 8 9\n'.repeat(100_001))).toThrow('found more than 1000000 numbers');
  });
});

test('a .txt of rows is told from printed tensors, whatever stands on top of it', () => {
  const shape = (text: string, name: string) =>
    openContents(sourceOf(Buffer.from(text)), name)
      .tensors()
      .specs.get(NAMELESS)?.shape;
  expect(shape('0.5 1.5\n2.5 3.5\n', 'x.txt')).toEqual([2, 2]);
  expect(shape('tensor([0.5, 1.5])', 'x.txt')).toEqual([2]);
  expect(shape('[[0.5 1.5]]', 'x.txt')).toEqual([1, 2]);
  // As numpy.savetxt writes a header.
  expect(shape('# step by step\n0.5 1.5\n2.5 3.5\n', 'x.txt')).toEqual([2, 2]);
});
