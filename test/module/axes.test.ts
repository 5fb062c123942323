import { describe, expect, test } from 'vitest';
import { arrange } from '../../src/module/axes.js';
import { bind } from '../../src/module/bind.js';
import { caseOf, type Role } from '../../src/module/case.js';
import type { Module } from '../../src/module/parameters.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { caseWith, counting, lstm, type Shapes, weightsOf } from './modules.js';

type Said = Partial<Module> & { readonly batch_first?: boolean };

const arranged = (shapes: Shapes, { batch_first, ...otherwise }: Said = {}) => {
  const module = lstm(otherwise);
  return arrange(module, caseWith(module, shapes).tensors, batch_first);
};
/** How the shapes are read: the notes, steps, batch and batch_first. */
const readAs = (shapes: Shapes, said?: Said) => {
  const { reshaped, chosen } = arranged(shapes, said);
  if (chosen.issues.length) return 'refused';
  const { steps, batch, batch_first } = chosen.layout;
  const notes = reshaped.map(({ role, found, taken }) => `${role} [${found}] is [${taken}]`);
  return [...notes, `T ${steps} B ${batch}${batch_first ? ' batch_first' : ''}`].join(', ');
};
/** The values of a tensor that counts 0, 1, 2 … after it is arranged. */
const valuesOf = (role: Role, shapes: Shapes, said?: Said) => {
  const { tensors, chosen } = arranged(shapes, said);
  expect(chosen.issues).toEqual([]);
  const { shape, data } = tensors.get(role)!;
  return { shape, data: [...data] };
};
const BOTH: Said = { bidirectional: true };

test("PyTorch's own shapes are taken as they are, without a note", () => {
  const shapes = { input: [5, 2, 3], h_0: [1, 2, 4], c_0: [1, 2, 4], output: [5, 2, 4], h_n: [1, 2, 4] };
  const module = lstm();
  const { tensors } = caseWith(module, shapes);
  const { tensors: same, reshaped } = arrange(module, tensors, undefined);
  expect(reshaped).toEqual([]);
  for (const [role, tensor] of tensors) expect(same.get(role)).toBe(tensor);
});

describe('an axis of size 1 that is missing or surplus', () => {
  test.each<[string, Shapes, Said?]>([
    ['h_n [2,4] is [1,2,4], T 5 B 2', { input: [5, 2, 3], h_n: [2, 4] }],
    ['h_n [2,1,4] is [1,2,4], T 5 B 2', { input: [5, 2, 3], h_n: [2, 1, 4] }],
    ['h_n [1,1,2,4] is [1,2,4], T 5 B 2', { input: [5, 2, 3], h_n: [1, 1, 2, 4] }],
    ['h_n [4] is [1,4], T 5 B 1', { input: [5, 3], h_n: [4] }],
    ['h_n [4,1] is [1,4], T 5 B 1', { input: [5, 3], h_n: [4, 1] }],
    ['h_n [1,1,4] is [1,4], T 5 B 1', { input: [5, 3], h_n: [1, 1, 4] }],
    ['h_n [4] is [1,1,4], T 5 B 1', { input: [5, 1, 3], h_n: [4] }],
    ['h_n [2,4] is [2,1,4], T 5 B 1', { input: [5, 1, 3], h_n: [2, 4] }, { num_layers: 2 }],
    [
      'h_0 [2,1,4] is [1,2,4], c_0 [2,4] is [1,2,4], T 5 B 2',
      { input: [5, 2, 3], h_0: [2, 1, 4], c_0: [2, 4] },
    ],
    ['output [5,1,4] is [5,4], T 5 B 1', { input: [5, 3], output: [5, 1, 4] }],
    ['output [1,5,4] is [5,4], T 5 B 1', { input: [5, 3], output: [1, 5, 4] }],
    ['output [5,2,1,4] is [5,2,4], T 5 B 2', { input: [5, 2, 3], output: [5, 2, 1, 4], h_n: [1, 2, 4] }],
    [
      'output [5,2,1,4] is [5,2,4], T 5 B 2',
      { input: [5, 2, 3], output: [5, 2, 1, 4] },
      { batch_first: false },
    ],
    ['output [5,4] is [5,1,4], T 5 B 1', { input: [5, 1, 3], output: [5, 4], h_n: [1, 1, 4] }],
    [
      'output_l0 [1,5,2,4] is [5,2,4], T 5 B 2',
      { input: [5, 2, 3], output_l0: [1, 5, 2, 4] },
      { num_layers: 2, batch_first: false },
    ],
    ['lengths [2,1] is [2], T 5 B 2', { input: [5, 2, 3], lengths: [2, 1] }],
    ['c_n [2,4] is [1,2,4], T 5 B 2', { input: [5, 2, 3], h_n: [1, 2, 2], c_n: [2, 4] }, { proj_size: 2 }],
    ['h_n [1,2,4] is [2,4], T 1 B 2', { input: [2, 3], h_n: [1, 2, 4] }, { cell: true }],
    ['h_n [4] is [1,4], T 1 B 1', { input: [1, 3], h_n: [4] }, { cell: true }],
    ['input [1,5,2,3] is [5,2,3], T 5 B 2', { input: [1, 5, 2, 3], h_n: [1, 2, 4] }],
    ['input [5,1,2,3] is [5,2,3], T 5 B 2', { input: [5, 1, 2, 3], h_n: [1, 2, 4] }],
    ['input [1,5,2,3] is [5,2,3], T 5 B 2', { input: [1, 5, 2, 3] }, { batch_first: false }],
    ['input [1,5,2,3] is [5,2,3], T 2 B 5 batch_first', { input: [1, 5, 2, 3] }, { batch_first: true }],
    ['input [1,5,2,1,3] is [5,2,3], h_n [2,4] is [1,2,4], T 5 B 2', { input: [1, 5, 2, 1, 3], h_n: [2, 4] }],
    ['input [1,5,2,3] is [5,2,3], T 5 B 2', { input: [1, 5, 2, 3] }, { cell: true }],
  ])('%s: %j', (expected, shapes, said) => {
    expect(readAs(shapes, said)).toBe(expected);
  });

  test('the values stay in their order', () => {
    expect(valuesOf('h_n', { input: [5, 2, 3], h_n: [2, 1, 4] })).toEqual({
      shape: [1, 2, 4],
      data: [0, 1, 2, 3, 4, 5, 6, 7],
    });
  });

  test('it decides about batch_first where only one value of it fits', () => {
    expect(readAs({ input: [2, 5, 3], output: [2, 5, 4], h_n: [2, 4] })).toBe(
      'h_n [2,4] is [1,2,4], T 5 B 2 batch_first',
    );
    expect(readAs({ input: [2, 5, 3], h_n: [5, 4] })).toBe('h_n [5,4] is [1,5,4], T 2 B 5');
    expect(readAs({ input: [1, 5, 3], h_n: [4] })).toBe('h_n [4] is [1,1,4], T 5 B 1 batch_first');
    expect(readAs({ input: [1, 5, 2, 3], output: [5, 2, 4], h_n: [1, 5, 4] })).toBe(
      'input [1,5,2,3] is [5,2,3], T 2 B 5 batch_first',
    );
  });
});

describe('the steps of one row, or one step of several', () => {
  test.each<[Shapes, string]>([
    [{ input: [1, 5, 3], output: [5, 4] }, 'output [5,4] is [1,5,4], T 5 B 1 batch_first'],
    [{ input: [5, 1, 3], output: [5, 4] }, 'output [5,4] is [5,1,4], T 5 B 1'],
    [{ input: [5, 1, 1, 3], output: [5, 1, 4] }, 'input [5,1,1,3] is [5,1,3], T 5 B 1'],
    // ONNX has the directions behind the steps.
    [{ input: [3, 5, 3], output: [3, 1, 5, 4] }, 'output [3,1,5,4] is [3,5,4], T 3 B 5'],
  ])('%j is a sequence', (shapes, read) => {
    expect(readAs(shapes)).toBe(read);
  });
});

describe('what is still refused', () => {
  test.each<[string, Shapes, Said?]>([
    ['another size', { input: [5, 2, 3], h_n: [2, 5] }],
    ['another batch', { input: [5, 2, 3], h_n: [3, 4] }],
    ['another number of values', { input: [5, 2, 3], output: [5, 1, 4] }],
    ['one layer of two', { input: [5, 2, 3], h_n: [2, 4] }, { num_layers: 2 }],
    ['one direction of two', { input: [5, 2, 3], h_n: [2, 4] }, BOTH],
    ['layers and batch in each others places', { input: [5, 3, 3], h_n: [3, 2, 4] }, { num_layers: 2 }],
    ['time and batch in each others places', { input: [5, 2, 3], output: [2, 5, 4] }, { batch_first: false }],
    ['one step of several', { input: [5, 2, 3], output: [2, 4] }],
    ['one step of several, without a batch', { input: [5, 3], output: [4] }],
    [
      'what somebody says otherwise',
      { input: [2, 5, 3], output: [2, 5, 4], h_n: [2, 4] },
      { batch_first: false },
    ],
    ['an axis that is more than 1', { input: [2, 5, 2, 3], h_n: [1, 2, 4] }],
    ['features that are not the last', { input: [1, 5, 3, 1] }],
    ['an input without enough axes', { input: [3], output: [1, 4] }],
    ['an input of very many axes', { input: [1, 1, 1, 1, 5, 2, 3], h_n: [1, 2, 4] }],
    ['a role that has no place', { input: [5, 3], lengths: [1] }],
    ['a state that is missing', { input: [5, 2, 3], c_0: [2, 4] }],
    ['one that fits, beside one that does not', { input: [5, 2, 3], h_n: [2, 4], c_n: [1, 2, 5] }],
  ])('%s', (_, shapes, said) => {
    expect(readAs(shapes, said)).toBe('refused');
  });

  test.each<[string, Shapes, Said?]>([
    ['an input whose batch may be first or second', { input: [1, 5, 2, 3], output: [5, 2, 4] }],
    ['an output whose batch may be first or second', { input: [3, 5, 3], output: [3, 5, 1, 4] }],
  ])('more than one reading: %s', (_, shapes, said) => {
    expect(readAs(shapes, said)).toBe('refused');
  });

  test('the tensors are handed on as they were given, for the message', () => {
    const { tensors, reshaped } = arranged({ input: [5, 2, 3], h_n: [2, 4], c_n: [1, 2, 5] });
    expect(tensors.get('h_n')!.shape).toEqual([2, 4]);
    expect(reshaped).toEqual([]);
  });
});

describe('the directions', () => {
  // A value says where it stands: step, batch row, direction, unit.
  const output = (order: string, shape: readonly number[]): Tensor => {
    const tensor = counting(shape);
    const at = new Array<number>(4).fill(0);
    for (let i = 0; i < tensor.data.length; i++) {
      let rest = i;
      for (let axis = 3; axis >= 0; axis--) {
        at[axis] = rest % shape[axis];
        rest = Math.floor(rest / shape[axis]);
      }
      const [t, b, d, h] = [...'TBDH'].map((letter) => at[order.indexOf(letter)]);
      tensor.data[i] = 1000 * t + 100 * b + 10 * d + h;
    }
    return tensor;
  };
  const values = (tensors: Partial<Record<Role, Tensor>>, batch_first?: boolean) => {
    const module = lstm(BOTH);
    const { references, reshaped } = bind(module, caseOf(weightsOf(module), tensors), batch_first);
    expect(reshaped).toHaveLength(1);
    return [...references[0].data];
  };
  /** [T, B, 2·H] as PyTorch has it. */
  const expected = (steps: number, batch: number) => [...output('TBDH', [steps, batch, 2, 4]).data];

  test("have an axis of their own in ONNX's output, [T, D, B, H] or with layout 1 [B, T, D, H]", () => {
    const [sequence, batchFirst] = [counting([3, 5, 3]), counting([5, 3, 3])];
    for (const order of [undefined, false])
      expect(
        values({ input: sequence, output: output('TDBH', [3, 2, 5, 4]), h_n: undefined }, order),
      ).toEqual(expected(3, 5));
    expect(values({ input: batchFirst, output: output('BTDH', [5, 3, 2, 4]) }, true)).toEqual(expected(3, 5));
    // In the other order than the input has.
    expect(values({ input: batchFirst, output: output('TDBH', [3, 2, 5, 4]) }, true)).toEqual(expected(3, 5));
    expect(values({ input: sequence, output: output('BTDH', [5, 3, 2, 4]) }, false)).toEqual(expected(3, 5));
  });

  test('of an output of a layer below too', () => {
    expect(readAs({ input: [3, 5, 3], output_l0: [3, 2, 5, 4] }, { ...BOTH, num_layers: 2 })).toBe(
      'output_l0 [3,2,5,4] is [3,5,8], T 3 B 5',
    );
  });

  test('one direction has an axis of size 1 there', () => {
    const shapes = { input: [3, 5, 3], output: [3, 1, 5, 4] };
    expect(readAs(shapes, { batch_first: false })).toBe('output [3,1,5,4] is [3,5,4], T 3 B 5');
    expect(readAs({ ...shapes, h_n: [1, 1, 5, 4] })).toBe(
      'output [3,1,5,4] is [3,5,4], h_n [1,1,5,4] is [1,5,4], T 3 B 5',
    );
    expect(readAs({ input: [5, 3, 3], output: [5, 3, 1, 4], h_n: [1, 5, 4] })).toBe(
      'output [5,3,1,4] is [5,3,4], T 3 B 5 batch_first',
    );
  });

  test('stand beside each other in a state, [1, B, 2·H] or [B, 2·H]', () => {
    for (const h_n of [
      [1, 2, 8],
      [2, 8],
      [2, 1, 8],
    ]) {
      const shapes = { input: [5, 2, 3], h_n };
      expect(readAs(shapes, BOTH)).toBe(`h_n [${h_n}] is [2,2,4], T 5 B 2`);
      expect(valuesOf('h_n', shapes, BOTH).data).toEqual([
        0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15,
      ]);
    }
    expect(readAs({ input: [5, 3], h_n: [8] }, BOTH)).toBe('h_n [8] is [2,4], T 5 B 1');
    expect(valuesOf('h_n', { input: [5, 3], h_n: [8] }, BOTH).data).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(readAs({ input: [5, 2, 3], h_n: [2, 4] }, { ...BOTH, proj_size: 2 })).toBe(
      'h_n [2,4] is [2,2,2], T 5 B 2',
    );
  });

  test('the rounding errors of printed numbers move with them', () => {
    const printed = (shape: readonly number[]): Tensor => {
      const tensor = counting(shape);
      const halfUnits = Float64Array.from(tensor.data, (value) => value + 0.5);
      return { ...tensor, printed: { decimals: 4, halfUnits } };
    };
    const module = lstm(BOTH);
    for (const tensors of [
      { input: counting([3, 5, 3]), output: printed([3, 2, 5, 4]) },
      { input: counting([3, 5, 3]), h_n: printed([5, 8]) },
    ]) {
      const [reference] = bind(module, caseOf(weightsOf(module), tensors), undefined).references;
      expect([...reference.printed!.halfUnits]).toEqual(Array.from(reference.data, (value) => value + 0.5));
    }
  });

  test.each<[string, Shapes, Said?]>([
    ['of one direction', { input: [5, 2, 3], h_n: [1, 2, 8] }],
    ['of two layers', { input: [5, 2, 3], h_n: [2, 2, 8] }, { ...BOTH, num_layers: 2 }],
    ['in an output', { input: [5, 2, 3], output: [5, 5, 2, 4] }, { ...BOTH, batch_first: false }],
    ['of other sizes', { input: [3, 5, 3], output: [3, 5, 4, 2] }, BOTH],
    ['without a batch', { input: [5, 3], output: [5, 2, 4] }, BOTH],
  ])('are not guessed: %s', (_, shapes, said) => {
    expect(readAs(shapes, said)).toBe('refused');
  });

  test('are not guessed where both orders fit', () => {
    // [T, D, B, H] or [B, T, D, H] of two steps and two rows.
    expect(readAs({ input: [2, 2, 3], output: [2, 2, 2, 4] }, BOTH)).toBe('refused');
    // [D, B] or [B, D] of one unit.
    expect(readAs({ input: [5, 2, 3], h_n: [2, 2] }, { ...BOTH, hidden_size: 1 })).toBe('refused');
  });
});

describe('a file that says itself that its batch comes first', () => {
  const rows = (...shape: number[]): Tensor => ({ ...counting(shape), batchFirst: true });
  const read = (tensors: Partial<Record<Role, Tensor>>, batch_first?: boolean) => {
    const module = lstm();
    const { layout, sequence, references, reshaped } = bind(
      module,
      caseOf(weightsOf(module), tensors),
      batch_first,
    );
    const { steps, batch } = layout;
    return { steps, batch, input: [...sequence.input], references, reshaped };
  };
  // [2, 5, 3] in the order of [5, 2, 3]
  const BY_STEP = Array.from({ length: 5 }, (_, t) =>
    [0, 1, 2, 15, 16, 17].map((value) => value + 3 * t),
  ).flat();

  test('is read so, whatever batch_first is', () => {
    for (const batch_first of [undefined, false, true]) {
      const { input, ...layout } = read({ input: rows(2, 5, 3) }, batch_first);
      expect(layout).toMatchObject({ steps: 5, batch: 2, reshaped: [] });
      expect(input).toEqual(BY_STEP);
    }
  });

  test('goes with another file, whose order is found', () => {
    for (const output of [counting([5, 2, 4]), counting([2, 5, 4]), rows(2, 5, 4)]) {
      const found = read({ input: rows(2, 5, 3), output });
      expect(found).toMatchObject({ steps: 5, batch: 2 });
      expect(found.input).toEqual(BY_STEP);
      const [reference] = found.references;
      expect(reference).toMatchObject({ rows: 5, batch: 2 });
      const second = [...reference.data].slice(4, 8);
      expect(second).toEqual(output.shape[0] === 5 ? [4, 5, 6, 7] : [20, 21, 22, 23]);
    }
  });

  test('goes with a state of rows, which has no axis for layers', () => {
    for (const batch_first of [undefined, false, true]) {
      const { steps, batch, reshaped } = read({ input: rows(2, 5, 3), h_n: counting([2, 4]) }, batch_first);
      expect({ steps, batch }).toEqual({ steps: 5, batch: 2 });
      expect(reshaped).toEqual([{ role: 'h_n', found: [2, 4], taken: [1, 2, 4] }]);
    }
  });

  test('is never read otherwise, whatever else would fit then', () => {
    expect(() => read({ input: rows(2, 5, 3), h_n: counting([5, 4]) })).toThrow('h_n: found [5, 4]');
    expect(() => read({ input: rows(2, 5, 3), h_n: counting([1, 5, 4]) })).toThrow('h_n: found [1, 5, 4]');
  });
});

test('where both values of batch_first fit as well, that is told as it is without another axis', () => {
  const bound = (h_n: readonly number[]) => {
    const module = lstm();
    return bind(module, caseWith(module, { input: [2, 2, 3], output: [2, 2, 4], h_n }), undefined);
  };
  expect(bound([1, 2, 4])).toMatchObject({ otherLayoutFits: true, layout: { batch_first: false } });
  expect(bound([2, 4])).toMatchObject({ otherLayoutFits: true, layout: { batch_first: false } });
});
