import { type Dtype, dtypeNamed } from '../tensor/dtype.js';
import { formatShape, sameShape } from '../tensor/shape.js';
import type { Written } from './printed-digits.js';
import { type Cursor, isNumber } from './printed-tokens.js';

const DEEPEST = 16;

const SPECIAL: ReadonlyMap<string, number> = new Map([
  ['inf', Number.POSITIVE_INFINITY],
  ['+inf', Number.POSITIVE_INFINITY],
  ['-inf', Number.NEGATIVE_INFINITY],
  ['nan', Number.NaN],
  ['+nan', Number.NaN],
  ['-nan', Number.NaN],
]);

// PyTorch, numpy and JAX.
const TENSOR = String.raw`(?:(?:torch\.)?(?:tensor|Tensor|FloatTensor)|(?:(?:np|numpy|jnp)\.)?array|(?:Device)?Array)`;
const ORDERED_DICT = String.raw`(?:collections\.)?OrderedDict`;
const TENSOR_WORD = new RegExp(`^${TENSOR}$`);
const ORDERED_WORD = new RegExp(`^${ORDERED_DICT}$`);
/** The beginning of a value that says what it is: `tensor(`, `OrderedDict(`. */
export const CALL = String.raw`(?:${TENSOR}|${ORDERED_DICT})\(|Parameter containing`;
/** The beginning of a value in bare brackets. */
export const BRACKET = String.raw`\[\s*(?:[-+.\d[\](]|nan\b|inf\b|${CALL})|\(\s*(?:['"([]|${CALL})|\{\s*['"}]`;

/** A tensor of the text. What its digits lost is only known when the whole text is read. */
export interface Numbers {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** How it was printed: as a whole, or as several tensors that are stacked. */
  readonly parts: readonly Written[];
}

/** What is printed: a tensor, tensors by name, or the tuple that a module returns. */
export type Value =
  | { readonly tensor: Numbers }
  | { readonly named: readonly (readonly [string, Value])[] }
  | { readonly items: readonly Value[] };

/**
 * Reads the value that begins at the cursor.
 * @param depth how many brackets are open
 * @throws CellcheckError without a file
 */
export function valueAt(cursor: Cursor, depth: number): Value {
  if (depth === DEEPEST) cursor.fail(`has more than ${DEEPEST} brackets inside each other`);
  const token = cursor.peek();
  if (token === '{') return dict(cursor, depth);
  if (token === '(') return tuple(cursor, depth);
  if (token === '[') return list(cursor, depth);
  cursor.next();
  // torch.nn.Parameter: `Parameter containing:`, then the tensor.
  if (token === 'Parameter' && cursor.peek() === 'containing') {
    cursor.next();
    cursor.take(':');
    return valueAt(cursor, depth + 1);
  }
  if (ORDERED_WORD.test(token)) {
    cursor.take('(');
    const value = cursor.peek() === ')' ? { named: [] } : valueAt(cursor, depth + 1);
    cursor.take(')');
    return value;
  }
  if (TENSOR_WORD.test(token)) return { tensor: callOf(cursor, token) };
  return cursor.unexpected(token, 'tensor(…), array(…) or a nested list');
}

function dict(cursor: Cursor, depth: number): Value {
  const named: (readonly [string, Value])[] = [];
  items(cursor, '{', '}', () => {
    const name = unquoted(cursor.next()) ?? cursor.fail('has something in the place of a quoted name');
    cursor.take(':');
    named.push([name, valueAt(cursor, depth + 1)]);
  });
  return { named };
}

/** A tuple. A single value in parentheses is that value; `('name', value)` is a pair of state_dict.items(). */
function tuple(cursor: Cursor, depth: number): Value {
  const values: Value[] = [];
  let name: string | undefined;
  items(cursor, '(', ')', () => {
    const first = name === undefined && values.length === 0 ? unquoted(cursor.peek()) : undefined;
    if (first === undefined) values.push(valueAt(cursor, depth + 1));
    else {
      cursor.next();
      name = first;
    }
  });
  if (name !== undefined) {
    if (values.length !== 1) cursor.fail('ends a name without a tensor, or with several');
    return { named: [[name, values[0]]] };
  }
  return values.length === 1 ? values[0] : { items: values };
}

const LIST_OF_VALUES = new RegExp(String.raw`(?=\[\s*(?:\(|${CALL}))`, 'y');

/** A list of numbers; or of tensors, which are stacked; or of pairs of a name and a tensor. */
function list(cursor: Cursor, depth: number): Value {
  if (!cursor.match(LIST_OF_VALUES)) return { tensor: tensorOf(nested(cursor, false)) };
  const values: Value[] = [];
  items(cursor, '[', ']', () => values.push(valueAt(cursor, depth + 1)));
  if (values.every((value) => 'named' in value)) return { named: values.flatMap((value) => value.named) };
  const tensors = values.flatMap((value) => ('tensor' in value ? [value.tensor] : []));
  if (tensors.length < values.length) cursor.fail('ends a list of something else than tensors');
  return { tensor: stacked(cursor, tensors) };
}

function items(cursor: Cursor, open: string, close: string, item: () => void): void {
  cursor.take(open);
  while (cursor.peek() !== close) {
    item();
    if (cursor.peek() !== close) cursor.take(',');
  }
  cursor.take(close);
}

/** Stacks tensors along a new first dimension, as torch.stack does. */
function stacked(cursor: Cursor, tensors: readonly Numbers[]): Numbers {
  const [first] = tensors;
  const { shape } = first;
  const other = tensors.find((tensor) => !sameShape(tensor.shape, shape));
  if (other)
    cursor.fail(`ends a list of tensors of the shapes ${formatShape(shape)} and ${formatShape(other.shape)}`);
  const printed = tensors.flatMap(({ parts }) => parts);
  // PyTorch prints each tensor with all of its digits. Of printers that omit zeros only all tensors together show them.
  const parts = printed.every(({ exactWhole }) => exactWhole) ? printed : [concatenated(printed)];
  return { ...first, shape: [tensors.length, ...shape], parts };
}

function concatenated(parts: readonly Written[]): Written {
  return {
    ...parts[0],
    values: parts.flatMap(({ values }) => values),
    decimals: parts.flatMap(({ decimals }) => decimals),
    exponents: parts.flatMap(({ exponents }) => exponents),
    significant: parts.flatMap(({ significant }) => significant),
    point: parts.some(({ point }) => point),
  };
}

/** `([…], dtype=…)`. PyTorch omits the dtype if it is the default, numpy if it is that of Python's numbers. */
function callOf(cursor: Cursor, word: string): Numbers {
  cursor.take('(');
  const numbers = cursor.peek() === '[' ? nested(cursor, true) : scalar(cursor);
  const dtype = keywords(cursor);
  const exactWhole = word.endsWith('ensor');
  return tensorOf(numbers, dtype, { grid: dtype ?? (exactWhole ? 'F32' : undefined), exactWhole });
}

/** Numbers as they were written, before the tensor's dtype is known. */
interface Nested {
  readonly shape: readonly number[];
  readonly written: Written;
}

function tensorOf(
  { shape, written }: Nested,
  dtype: Dtype = 'F32',
  known: Pick<Written, 'grid' | 'exactWhole'> = {},
): Numbers {
  return { dtype, shape, parts: [{ ...written, ...known }] };
}

/** A vector of a single whole number. */
export function vectorOf(value: number): Numbers {
  const written = { values: [value], decimals: [0], exponents: [Number.NaN], significant: [0], point: false };
  return tensorOf({ shape: [1], written });
}

/** A tensor without numbers, to which some are added. */
export const noNumbers = (): Written => ({
  values: [],
  decimals: [],
  exponents: [],
  significant: [],
  point: false,
});

function scalar(cursor: Cursor): Nested {
  const written = noNumbers();
  number(cursor, written);
  return { written, shape: [] };
}

function number(cursor: Cursor, written: Written): void {
  const token = cursor.next();
  const special = SPECIAL.get(token);
  if (special === undefined && !isNumber(token)) cursor.unexpected(token, 'a number');
  const value = special ?? Number(token);
  if (special === undefined && !Number.isFinite(value)) cursor.fail('has a number beyond double precision');
  appendNumber(written, token, value);
}

/** Adds a number of the text. */
export function appendNumber(written: Written, token: string, value: number): void {
  const { values, decimals, exponents, significant } = written;
  const [mantissa, power] = token.split(/[eE]/);
  if (Number.isFinite(value) && mantissa.includes('.')) written.point = true;
  values.push(value);
  decimals.push(mantissa.split('.')[1]?.length ?? 0);
  exponents.push(Number(power));
  significant.push(mantissa.replace(/[-+.]/g, '').replace(/^0+/, '').length);
}

/**
 * Reads a nested list of numbers, which must be rectangular.
 * @param commas whether numbers must be separated by commas: numpy's str() writes none
 */
function nested(cursor: Cursor, commas: boolean): Nested {
  const written = noNumbers();
  const { values } = written;
  const shape: number[] = [];
  let hasCommas: boolean | undefined = commas || undefined;
  const row = (depth: number) => {
    if (depth === DEEPEST) cursor.fail(`has more than ${DEEPEST} brackets inside each other`);
    cursor.take('[');
    let count = 0;
    while (cursor.peek() !== ']') {
      const inner = cursor.peek() === '[';
      // The first number says how deep all of them are.
      if (values.length + shape.length > 0 && inner !== depth + 1 < shape.length)
        cursor.fail('has numbers and rows side by side');
      if (inner) row(depth + 1);
      else number(cursor, written);
      count++;
      const after = cursor.peek();
      if (after === ']') continue;
      hasCommas ??= after === ',';
      if (hasCommas) cursor.take(',');
    }
    cursor.take(']');
    shape[depth] ??= count;
    if (shape[depth] !== count) cursor.fail(`has a row of ${count} where others have ${shape[depth]}`);
  };
  row(0);
  return { written, shape };
}

/** Reads the arguments behind a tensor's values up to the closing bracket, and returns the dtype if there is one. */
function keywords(cursor: Cursor): Dtype | undefined {
  let dtype: Dtype | undefined;
  while (cursor.peek() === ',') {
    cursor.next();
    if (cursor.peek() === ')') break;
    const name = cursor.next();
    cursor.take('=');
    const value = cursor.next();
    if (value === '(') {
      while (cursor.peek() !== ')' && cursor.peek() !== '') cursor.next();
      cursor.take(')');
    }
    if (name !== 'dtype') continue;
    dtype = dtypeNamed((unquoted(value) ?? value).replace(/^(?:torch|np|numpy)\./, ''));
    if (!dtype) cursor.fail('has a dtype that cellcheck does not know');
  }
  cursor.take(')');
  return dtype;
}

function unquoted(token: string): string | undefined {
  return /^['"]/.test(token) && token.length > 1 ? token.slice(1, -1) : undefined;
}
