import { describe, expect, test } from 'vitest';
import { bind } from '../../src/module/bind.js';
import { caseOf, type Role } from '../../src/module/case.js';
import { describeModule } from '../../src/module/describe.js';
import {
  type DigitsReading,
  halfUnit,
  mayBeExact,
  mergeDecimals,
  missingDigits,
  type StatedDecimals,
} from '../../src/module/printed.js';
import { stateDict } from '../../src/tensor/state-dict.js';
import { type Tensor, tensor } from '../../src/tensor/tensor.js';

/** A tensor that was printed with so many decimals. */
function printed(shape: readonly number[], data: readonly number[], decimals: number): Tensor {
  const halfUnits = Float64Array.from(data, (_, i) => (i + 1) * halfUnit(decimals));
  return { ...tensor(shape, data), printed: { decimals, halfUnits } };
}

const exact = tensor([2], [0.5, 1.5]);
const [two, three] = [printed([2], [0.5, 1.5], 2), printed([2], [0.5, 1.5], 3)];

test('half a unit of the last decimal', () => {
  for (const decimals of [0, 1, 4, 9]) expect(halfUnit(decimals) * 10 ** decimals).toBeCloseTo(0.5, 12);
});

const PARTS = ['weights', 'sequence', 'reference'] as const;
type Part = (typeof PARTS)[number];

/** Whether a tensor may be exact, and what it lost. */
function reading(one: Tensor, part: Part, digits: DigitsReading = {}) {
  const named = { name: 'a', tensor: one, part };
  const unsure = mayBeExact([named], digits).length > 0;
  return { unsure, lost: missingDigits(named, digits, unsure) };
}

/** As a file holds it that says nothing of decimals. */
const stored = (count: number, decimals: number) =>
  tensor(
    [count],
    Array.from({ length: count }, (_, i) => Number(Math.sin(i + 1).toFixed(decimals))),
  );

describe('a tensor may be exact', () => {
  test('where its text shows two decimals or fewer', () => {
    const unsure = [exact, printed([1], [1], 0), two, three].map((one) => reading(one, 'reference').unsure);
    expect(unsure).toEqual([false, true, true, false]);
  });

  test('where it is an operand of a file, and its values have few decimals', () => {
    const unsure = (one: Tensor) => PARTS.map((part) => reading(one, part).unsure);
    expect(unsure(stored(32, 3))).toEqual([true, true, false]);
    expect(unsure(stored(31, 3))).toEqual([false, false, false]);
    expect(unsure(stored(40, 2))).toEqual([false, false, false]);
  });

  test('where all operands together have enough values', () => {
    const [a, b] = [stored(20, 4), stored(40, 4)];
    const parts = { part: 'weights' } as const;
    expect(mayBeExact([{ name: 'a', tensor: a, ...parts }], {})).toEqual([]);
    const both = [
      { name: 'a', tensor: a, ...parts },
      { name: 'b', tensor: b, ...parts },
    ];
    expect(mayBeExact(both, {})).toEqual(both);
    expect(mayBeExact(both, { decimals: { all: 3 } })).toEqual([]);
    expect(mayBeExact(both, { decimals: { a: 3 } })).toEqual([both[1]]);
  });
});

describe('what a tensor lost', () => {
  test('is what its text shows, of short ones only where they are taken as rounded', () => {
    const lost = (one: Tensor, digits: DigitsReading) =>
      PARTS.filter((part) => reading(one, part, digits).lost === one.printed && one.printed !== undefined);
    expect(lost(three, {})).toEqual(PARTS);
    expect(lost(two, {})).toEqual([]);
    expect(lost(two, { rounded: 'none' })).toEqual([]);
    expect(lost(two, { rounded: 'references' })).toEqual(['reference']);
    expect(lost(two, { rounded: 'all' })).toEqual(PARTS);
    expect(lost(exact, { rounded: 'all' })).toEqual([]);
    for (const part of PARTS) expect(reading(two, part).lost).toBeUndefined();
  });

  test('is what the values of a file show: of a reference at once, of operands where they are taken as rounded', () => {
    const decimals = (digits: DigitsReading) =>
      PARTS.map((part) => reading(stored(32, 4), part, digits).lost?.decimals);
    expect(decimals({})).toEqual([undefined, undefined, 4]);
    expect(decimals({ rounded: 'references' })).toEqual([undefined, undefined, 4]);
    expect(decimals({ rounded: 'all' })).toEqual([4, 4, 4]);
    const { halfUnits } = reading(stored(32, 4), 'reference').lost!;
    for (const half of halfUnits) expect(half / halfUnit(4)).toBeCloseTo(1, 2);
  });

  test('is nothing of 16-bit numbers, which have few decimals by nature', () => {
    const values = Array.from({ length: 64 }, (_, i) => (2 * i + 1) / 64);
    for (const part of PARTS)
      expect(reading(tensor([64], values), part, { rounded: 'all' }).lost).toBeUndefined();
  });

  test('is what somebody says of all, but for an input or a state of whole numbers', () => {
    const said = { decimals: 3, halfUnits: Float64Array.of(0.0005, 0.0005) };
    const whole = tensor([2], [3, -4]);
    for (const part of PARTS) {
      expect(reading(exact, part, { decimals: 3 }).lost).toEqual(said);
      expect(reading(two, part, { decimals: 3 }).lost).toEqual(said);
      expect(reading(whole, part, { decimals: 3 }).lost).toEqual(part === 'sequence' ? undefined : said);
    }
  });

  test('is what somebody says of one tensor, before what they say of all', () => {
    const decimals = (stated: StatedDecimals) =>
      reading(exact, 'reference', { decimals: stated }).lost?.decimals;
    expect(decimals({ a: 2 })).toBe(2);
    expect(decimals({ b: 2 })).toBeUndefined();
    expect(decimals({ a: 2, all: 5 })).toBe(2);
    expect(decimals({ b: 2, all: 5 })).toBe(5);
    expect(mergeDecimals(4, { a: 2 })).toEqual({ all: 4, a: 2 });
    expect(mergeDecimals({ a: 3, b: 3 }, { a: 2 })).toEqual({ a: 2, b: 3 });
    expect(mergeDecimals({ a: 3 }, 2)).toBe(2);
    expect(mergeDecimals(undefined, { a: 1 })).toEqual({ a: 1 });
    expect(mergeDecimals(7, undefined)).toBe(7);
  });
});

describe('a case of printed tensors', () => {
  const weights = (one: (name: string, shape: number[], data: number[]) => Tensor) =>
    stateDict({
      weight_ih_l0: one('weight_ih_l0', [2, 1], [0.5, -0.5]),
      weight_hh_l0: one('weight_hh_l0', [2, 2], [0.1, 0.2, 0.3, 0.4]),
      bias_ih_l0: one('bias_ih_l0', [2], [0.1, 0.2]),
      bias_hh_l0: one('bias_hh_l0', [2], [0.3, 0.4]),
    });
  const plain = weights((_, shape, data) => tensor(shape, data));
  const boundCase = (
    own: typeof plain,
    tensors: Partial<Record<Role, Tensor>>,
    reading?: DigitsReading,
    batch_first?: boolean,
  ) => bind(describeModule(own.specs, {}), caseOf(own, tensors), batch_first, reading);
  const input = tensor([2, 1, 1], [1, 2]);
  const output = tensor([2, 1, 2], [0.1, 0.2, 0.3, 0.4]);

  test('nothing was lost where nothing was printed', () => {
    const { uncertainty, decimals, fewDecimals, references } = boundCase(plain, { input, output });
    expect({ uncertainty, decimals, fewDecimals }).toEqual({
      uncertainty: undefined,
      decimals: undefined,
      fewDecimals: [],
    });
    expect(references[0].printed).toBeUndefined();
  });

  test('a parameter that was printed is uncertain, the others are exact', () => {
    const own = weights((name, shape, data) =>
      name === 'weight_hh_l0' ? printed(shape, data, 3) : tensor(shape, data),
    );
    const { uncertainty, decimals } = boundCase(own, { input, output });
    const zeros = new Float64Array(2);
    expect(decimals).toBe(3);
    expect(uncertainty).toEqual({
      layers: [
        [
          {
            weightIh: zeros,
            weightHh: Float64Array.of(1, 2, 3, 4).map((times) => times * 0.0005),
            biasIh: zeros,
            biasHh: zeros,
            weightHr: undefined,
          },
        ],
      ],
      input: undefined,
      h0: undefined,
      c0: undefined,
    });
  });

  test('input, states and references in the layout of what they belong to', () => {
    const tensors = {
      input: printed([2, 3, 1], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 4),
      h_0: printed([1, 2, 2], [0.1, 0.2, 0.3, 0.4], 5),
      output: printed(
        [2, 3, 2],
        Array.from({ length: 12 }, (_, i) => i / 7),
        6,
      ),
      h_n: printed([1, 2, 2], [0.1, 0.2, 0.3, 0.4], 7),
    };
    const { uncertainty, decimals, references } = boundCase(plain, tensors, {}, true);
    const units = (values: ArrayLike<number> | undefined, decimal: number) =>
      Array.from(values ?? [], (value) => Math.round(value / halfUnit(decimal)));
    expect(decimals).toBe(4);
    expect(units(uncertainty!.input, 4)).toEqual([1, 4, 2, 5, 3, 6]);
    expect(units(uncertainty!.h0, 5)).toEqual([1, 2, 3, 4]);
    expect(uncertainty!.c0).toBeUndefined();
    expect(units(references[0].printed!.halfUnits, 6)).toEqual([1, 2, 7, 8, 3, 4, 9, 10, 5, 6, 11, 12]);
    expect(units(references[1].printed!.halfUnits, 7)).toEqual([1, 2, 3, 4]);
    expect(references.map((one) => one.printed!.decimals)).toEqual([6, 7]);
  });

  test('a reference alone makes no operand uncertain', () => {
    const { uncertainty, decimals } = boundCase(plain, {
      input,
      output: printed([2, 1, 2], [0.1, 0.2, 0.3, 0.4], 4),
    });
    expect({ uncertainty, decimals }).toEqual({ uncertainty: undefined, decimals: 4 });
  });

  test('the cell state and the output of a layer below may be printed too', () => {
    const exactly = (...shape: number[]) =>
      tensor(shape, new Float32Array(shape.reduce((a, b) => a * b)).fill(0.5));
    const layer = (k: number) => ({
      [`weight_ih_l${k}`]: exactly(4, 1),
      [`weight_hh_l${k}`]: exactly(4, 1),
    });
    const own = stateDict({ ...layer(0), ...layer(1) });
    const states = { h_0: exactly(2, 1, 1), c_0: printed([2, 1, 1], [0.1, 0.2], 5) };
    const below = printed([2, 1, 1], [0.1, 0.2], 4);
    const { uncertainty, decimals, layerOutputs } = boundCase(own, { input, ...states, output_l0: below });
    expect(uncertainty!.c0).toEqual(Float64Array.of(1, 2).map((times) => times * halfUnit(5)));
    expect(uncertainty!.h0).toBeUndefined();
    expect(layerOutputs.map((layerOutput) => layerOutput.printed)).toEqual([below.printed]);
    expect(decimals).toBe(4);
  });

  test('decimals that somebody says are those of weights, input and reference, but not of a whole input', () => {
    const all = boundCase(plain, { input: tensor([2, 1, 1], [0.5, 1]), output }, { decimals: 3 });
    expect(all.uncertainty).toMatchObject({
      layers: [[{ biasIh: Float64Array.of(0.0005, 0.0005) }]],
      input: Float64Array.of(0.0005, 0.0005),
    });
    expect(all.references[0].printed).toEqual({ decimals: 3, halfUnits: new Float64Array(4).fill(0.0005) });
    const ones = weights((_, shape, data) => tensor(shape, data.map(Math.ceil)));
    const whole = boundCase(ones, { input, output: tensor([2, 1, 2], [0, 1, 1, 0]) }, { decimals: 3 });
    expect(whole.uncertainty!.input).toBeUndefined();
    expect(whole.uncertainty!.layers[0][0].biasIh).toEqual(Float64Array.of(0.0005, 0.0005));
    expect(whole.references[0].printed?.decimals).toBe(3);
  });

  test('short ones that only references have rounded leave weights, input and states exact', () => {
    const own = weights((_, shape, data) => printed(shape, data, 1));
    const tensors = { input: printed([2, 1, 1], [0.5, 1], 1), output: printed([2, 1, 2], [0, 0, 1, 1], 1) };
    const rounded = boundCase(own, tensors, { rounded: 'references' });
    expect(rounded.uncertainty).toBeUndefined();
    expect(rounded.references[0].printed).toEqual(tensors.output.printed);
    expect(boundCase(own, tensors).references[0].printed).toBeUndefined();
  });

  test('short ones are named, unless somebody says the decimals', () => {
    const own = weights((name, shape, data) => printed(shape, data, name === 'bias_ih_l0' ? 1 : 4));
    const tensors = { input, output: printed([2, 1, 2], [0.1, 0.2, 0.3, 0.4], 2) };
    expect(boundCase(own, tensors).fewDecimals).toEqual(['bias_ih_l0', 'output']);
    expect(boundCase(own, tensors, { decimals: 4 }).fewDecimals).toEqual([]);
    expect(boundCase(own, tensors, { rounded: 'all' }).decimals).toBe(1);
    expect(boundCase(own, tensors, {}).decimals).toBe(4);
  });
});

describe('one batch row stands in either place', () => {
  const weights = stateDict({
    weight_ih_l0: tensor([2, 1], [1, 1]),
    weight_hh_l0: tensor([2, 2], [1, 0, 0, 1]),
  });
  const module = describeModule(weights.specs, {});
  const filled = (...shape: number[]) =>
    tensor(shape, new Float32Array(shape.reduce((a, b) => a * b)).fill(0.5));
  const rows = (input: Tensor, output: Tensor, batch_first?: boolean) =>
    bind(module, caseOf(weights, { input, output }), batch_first).references[0].rows;

  test('the output of a sequence is in the order of its input', () => {
    expect(rows(filled(1, 3, 1), filled(3, 1, 2), true)).toBe(3);
    expect(rows(filled(3, 1, 1), filled(1, 3, 2), false)).toBe(3);
    expect(rows(filled(1, 3, 1), filled(1, 3, 2), true)).toBe(3);
  });

  test('the output of a layer below too', () => {
    const layers = { ...Object.fromEntries(weights.load([...weights.specs.keys()])) };
    const both = stateDict({ ...layers, weight_ih_l1: filled(2, 2), weight_hh_l1: filled(2, 2) });
    const loaded = caseOf(both, { input: filled(3, 1, 1), output_l0: filled(1, 3, 2) });
    const { layerOutputs } = bind(describeModule(both.specs, {}), loaded, false);
    expect(layerOutputs[0]).toMatchObject({ rows: 3, batch: 1, units: 2 });
  });

  test('of more rows the order counts', () => {
    expect(() => rows(filled(2, 3, 1), filled(3, 2, 2), true)).toThrow('output: found [3, 2, 2]');
    expect(() => rows(filled(1, 3, 1), filled(4, 1, 2), true)).toThrow('output: found [4, 1, 2]');
    expect(() => rows(filled(1, 3, 1), filled(3, 2, 2), true)).toThrow('output: found [3, 2, 2]');
    expect(() => rows(filled(3, 1), filled(3, 2, 2))).toThrow('output: found [3, 2, 2]');
  });
});
