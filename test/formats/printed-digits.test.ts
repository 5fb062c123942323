import { describe, expect, test } from 'vitest';
import { readDigits, type Written } from '../../src/formats/printed-digits.js';

/** The numbers of a tensor, with a space between them. */
function written(text: string, facts: Pick<Written, 'grid' | 'exactWhole'> = {}): Written {
  const tokens = text === '' ? [] : text.split(' ');
  const parts = tokens.map((token) => token.split('e'));
  return {
    ...facts,
    values: tokens.map(Number),
    decimals: parts.map(([mantissa]) => mantissa.split('.')[1]?.length ?? 0),
    exponents: parts.map(([, power]) => (power === undefined ? Number.NaN : Number(power))),
    significant: parts.map(([mantissa]) => mantissa.replace(/\D/g, '').replace(/^0+/, '').length),
    point: text.includes('.'),
  };
}

/** What is read of each tensor: its decimals, and half a unit for each of its numbers; nothing where nothing was lost. */
const lost = (...tensors: Written[]) =>
  readDigits(tensors).map(
    ({ printed }) =>
      printed && [printed.decimals, ...printed.halfUnits].map((number) => Number(number.toPrecision(3))),
  );
const lostOf = (text: string, facts?: Pick<Written, 'grid' | 'exactWhole'>) => lost(written(text, facts))[0];

describe('a tensor by itself', () => {
  test('whole numbers without a point are exact, and so are tensors without numbers or without finite ones', () => {
    for (const text of ['1 -2 3', '7', '', 'NaN Infinity', '0 -0']) expect(lostOf(text)).toBeUndefined();
    expect([...readDigits([written('1 -2 NaN')])[0].values]).toEqual([1, -2, Number.NaN]);
  });

  test('whole numbers with a point may have been others, but for a printer that would show them', () => {
    expect(lostOf('1. -0.')).toEqual([0, 0.5, 0.5]);
    expect(lostOf('1. -2. 3.', { exactWhole: true })).toBeUndefined();
    expect(lostOf('1. -0.', { exactWhole: true, grid: 'F32' })).toBeUndefined();
  });

  test('one number with a decimal says that the others had decimals too', () => {
    expect(lostOf('1. 2.5 100.')).toEqual([1, 0.05, 0.05, 0.05]);
  });

  test('numbers that all have exponents: each ends at its own last digit, and zero is zero', () => {
    const float = { grid: 'F32' } as const;
    expect(lostOf('1.23e+02 -4.5e-03 0.e+00', float)).toEqual([2, 0.5, 5e-6, 0]);
    expect(lostOf('1e+03 2e-05')).toEqual([0, 500, 5e-6]);
  });

  test('what is not finite has lost nothing, and says nothing of the others', () => {
    expect(lostOf('1.23e+02 4.50e-03 NaN Infinity')).toEqual([2, 0.5, 5e-6, 0, 0]);
    expect(lostOf('0.123 -Infinity')).toEqual([3, 5e-4, 0]);
  });

  test('an exponent that only some numbers have moves their last digit', () => {
    expect(lostOf('1.2345e-05 12.5 0.25', { grid: 'F64' })).toEqual([9, 5e-10, 5e-10, 5e-10]);
    expect(lostOf('2.5e+03 0.5 7.25')).toEqual([2, 5e-3, 5e-3, 5e-3]);
    expect(lostOf('123.4 5e+05')).toEqual([1, 0.05, 0.05]);
  });
});

describe('significant digits', () => {
  test('a number with all digits and fewer decimals shows that digits were counted', () => {
    expect(lostOf('0.123457 12.3457')).toEqual([6, 5e-7, 5e-5]);
    expect(lostOf('0.123457 12.3457 -1234.57 1.5')).toEqual([6, 5e-7, 5e-5, 5e-3, 5e-6]);
    expect(lostOf('0.123457 12.345')).toEqual([6, 5e-7, 5e-7]);
  });

  test('a fourth of the numbers with fewer decimals must have all digits', () => {
    expect(lostOf('0.123457 12.3457 1.5 2.5 3.5')).toEqual([6, 5e-7, 5e-5, 5e-6, 5e-6, 5e-6]);
    expect(lostOf('0.123457 12.3457 1.5 2.5 3.5 4.5')).toEqual([6, ...new Array(6).fill(5e-7)]);
  });

  test('whole numbers and those that are not finite do not count among them', () => {
    const others = '1. 2. 3. 4. NaN Infinity NaN Infinity';
    const [, ...halves] = lostOf(`0.123457 12.3457 ${others}`)!;
    expect(halves.slice(0, 2)).toEqual([5e-7, 5e-5]);
  });

  test('what one tensor shows holds for others that have no more digits', () => {
    const shows = written('0.123457 12.3457');
    const beside = (text: string) => lost(shows, written(text))[1];
    expect(beside('0.12345 12.5')).toEqual([5, 5e-6, 5e-4]);
    expect(beside('0.123456 12.5')).toEqual([6, 5e-7, 5e-5]);
    expect(beside('0.1234567 12.5')).toEqual([7, 5e-8, 4.77e-7]);
    expect(lost(written('0.123456 12.5'), written('0.5 0.25'))[0]).toEqual([6, 5e-7, 5e-7]);
    expect(lost(shows, written('0.1234567 12.5'))[0]).toEqual([6, 5e-7, 5e-5]);
  });
});

describe('whole numbers beside other tensors', () => {
  const whole = written('0. 1.');

  test('may have been off by the last decimal of the tensor that has fewest', () => {
    expect(lost(whole, written('0.123'), written('0.12'), written('0.1234'))[0]).toEqual([2, 5e-3, 5e-3]);
  });

  test('not by that of tensors whose printer shows whole numbers as such, or has exponents', () => {
    expect(lost(whole, written('0.123', { exactWhole: true }), written('1.5e-03'))[0]).toEqual([0, 0.5, 0.5]);
  });

  test('are exact where their printer shows others with decimals, and where their dtype has none', () => {
    const decimals = written('0.123');
    expect(lost(decimals, written('0. 0.', { exactWhole: true }))[1]).toBeUndefined();
    expect(lost(decimals, written('0 0', { grid: 'I64' }))[1]).toBeUndefined();
    expect(lost(decimals, written(''))[1]).toBeUndefined();
  });
});

describe('digits that are enough', () => {
  const read = (text: string, grid?: Written['grid']) => {
    const [{ values, printed }] = readDigits([written(text, { grid })]);
    return { values: [...values], lost: printed && [...printed.halfUnits] };
  };

  test('are the number of the dtype that is nearest', () => {
    expect(read('0.327833003', 'F32')).toEqual({ values: [Math.fround(0.327833003)], lost: undefined });
    expect(read('0.3445', 'F16')).toEqual({ values: [0.344482421875], lost: undefined });
    expect(read('0.3451', 'BF16')).toEqual({ values: [0.345703125], lost: undefined });
  });

  test('leave a float64 as it is written', () => {
    expect(read('0.12345678901234566', 'F64')).toEqual({ values: [0.12345678901234566], lost: undefined });
    // Two float64 about 0.1 are 1.4e-17 from each other.
    expect(read('0.1234567890123456', 'F64').lost).toEqual([0.5 * 10 ** -16]);
  });

  test('are fewer than a fourth of the way to the next number', () => {
    // About 2 ** 24 float32 are 2 from each other.
    expect(read('1.6777216e+07', 'F32').lost).toEqual([1]);
    expect(read('1.67772160e+07', 'F32').lost).toBeUndefined();
    expect(read('0.123', 'F16').lost).toEqual([0.5 * 10 ** -3]);
  });

  test('without a dtype are those of float32 numbers', () => {
    expect(read('16777216.0').lost).toBeUndefined();
    expect(read('16777216.0 NaN Infinity').lost).toBeUndefined();
    expect(read('16777217.0 3.5').lost).toEqual([1, 0.05]);
  });

  test('without a dtype, more than nine are a float64', () => {
    const nine = 0.123456789;
    expect(read('0.123456789').lost).toEqual([2 ** -28]);
    expect(read('0.1234567891').lost).toEqual([0.5 * 10 ** -10]);
    expect(read('0.12345678912345678')).toEqual({ values: [0.12345678912345678], lost: undefined });
    expect(read('0.123456789').values).toEqual([nine]);
  });
});

describe('float32 that was rounded before all of its digits were printed', () => {
  const rounded = '0.47960001230239868 -0.30270001292228699';

  test('has the decimals that it was rounded to, up to six', () => {
    expect(lostOf(rounded)).toEqual([4, 5e-5, 5e-5]);
    expect(lostOf(`${rounded} NaN Infinity`)).toEqual([4, 5e-5, 5e-5, 0, 0]);
    expect(lostOf('0.12345699965953827 0.65432101488113403')).toEqual([6, 5e-7, 5e-7]);
    expect(lostOf('0.12345679849386215 0.7654321789741516')).toBeUndefined();
  });

  test('is exact where one number was not rounded, or its dtype is said', () => {
    expect(lostOf(`${rounded} 0.12345679104328156`)).toBeUndefined();
    expect(lostOf(rounded, { grid: 'F32' })).toBeUndefined();
    expect(lostOf('0.5 0.12345678912345678')).toBeUndefined();
  });

  test('shows more digits than a float32 needs', () => {
    expect(lostOf('0.500000000')).toBeUndefined();
    expect(lostOf('0.5000000000')).toEqual([1, 0.05]);
  });
});

test('tensors with more digits than a float32 needs say nothing of the others', () => {
  const beside = (shows: string) => lost(written(shows), written('0.1234 12.5'))[1];
  expect(beside('0.123456789 12.3456789')).toEqual([4, 5e-5, 5e-3]);
  expect(beside('0.32783299684524536 12.345678329467773')).toEqual([4, 5e-5, 5e-5]);
});

test('of a dtype without decimals nothing is lost, whatever stands there', () => {
  const [read] = readDigits([written('0.5 1.25', { grid: 'I64' })]);
  expect(read).toEqual({ values: Float64Array.of(0.5, 1.25) });
});
