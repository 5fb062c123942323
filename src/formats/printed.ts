import { CellcheckError, printable } from '../errors.js';
import { type Dtype, dtypeNamed } from '../tensor/dtype.js';
import { formatShape, sameShape } from '../tensor/shape.js';
import { type StateDict, stateDict } from '../tensor/state-dict.js';
import type { Tensor } from '../tensor/tensor.js';
import { NAMELESS } from './json.js';
import { readDigits, type Written } from './printed-digits.js';
import { type Cursor, cursorOver, isNumber } from './printed-tokens.js';

/** Nobody prints more. A text takes many times its size in memory. */
const LARGEST = 16 * 2 ** 20;
const DEEPEST = 16;
const MOST_NAMES = 10_000;
const LONGEST_NAME = 500;

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
const CALL = String.raw`(?:${TENSOR}|${ORDERED_DICT})\(|Parameter containing`;
const BRACKET = String.raw`\[\s*(?:[-+.\d[\](]|nan\b|inf\b|${CALL})|\(\s*(?:['"([]|${CALL})|\{\s*['"}]`;
/** A value begins here. */
const VALUE = new RegExp(`(?=${CALL}|${BRACKET})`, 'y');
/** `name =`, `name:`, `'name':` before a value, or a bare name before one that says itself what it is. */
const NAME_OF_VALUE = new RegExp(
  String.raw`(?:([A-Za-z_][\w.]*)|'([^'\\\n]*)'|"([^"\\\n]*)")(?:[ \t]*[:=]\s*(?=${CALL}|${BRACKET})|,?\s+(?=${CALL}))`,
  'y',
);
/** Prose up to a value in its line. */
const PROSE = new RegExp(String.raw`[^\n=([{]*(?:=[ \t]*)?(?<=[ \t:=])(?=${CALL})`, 'y');
const LINE = /[^\n]*/y;

// What stands about tensors in a notebook or a terminal.
const SILENT = /```[^\n]*|#[^\n]*|Out ?\[[\d *]*\]:|[,;]/y;
const CODE = /(?:In ?\[[\d *]*\]:|>>>|\.{3,}:?(?=[ \n]|$))[ \t]*/y;
const MARGIN = /\[[ \t]*(\d+|\*)?[ \t]*\]:?/y;
const SIZES = /[^\n=([{]*(?:=[ \t]*)?torch\.Size\([^\n]*/y;
/** Code that shows one variable: what follows is that. */
const SHOWS = /^(?:print[ \t]*\([ \t]*)?([A-Za-z_]\w*)[ \t]*\)?$/;
const MOST_SHOWN = 3;
const LONGEST_SHOWN = 40;

/** A tensor of the text; what its digits lost is known when all of them are read. */
interface Numbers extends Written {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/** What a text says: a tensor, several by name, or those that a module returns. */
type Value =
  | { readonly tensor: Numbers }
  | { readonly named: readonly (readonly [string, Value])[] }
  | { readonly items: readonly Value[] };

/**
 * What a notebook or a Python prompt shows of tensors: `OrderedDict([('weight_ih_l0', tensor([[0.3445]])), …])`, a dict,
 * `h_n = tensor([…], grad_fn=<…>)`, numpy's `array([…])` or `[[0.1 0.2]]`, nested lists, `(output, h_n)` and
 * `(output, (h_n, c_n))` as a module returns them, and lists of tensors, which are stacked. Prompts, code and prose about
 * them are left aside; notes say which lines. It is read, and nothing in it is executed.
 * @throws CellcheckError without a file, naming the line
 */
export function tensorsOfPrinted(bytes: Uint8Array): StateDict {
  const cursor = cursorOver(decoded(bytes));
  const tensors = new Map<string, Numbers>();
  const aside = { first: [] as string[], more: 0 };
  let label: string | undefined;
  // `[55]` may be a tensor, or the number of a notebook's cell.
  const margins: number[] = [];

  const put = (name: string, tensor: Numbers) => {
    if (tensors.has(name))
      cursor.fail(
        name === NAMELESS ? 'has a second tensor without a name' : 'has a name that was there before',
      );
    if (name.length > LONGEST_NAME) cursor.fail('has a name of more than 500 characters');
    if (tensors.size === MOST_NAMES) cursor.fail(`has more than ${MOST_NAMES} tensors`);
    tensors.set(name, tensor);
  };
  const add = (name: string, value: Value, prefix = '') => {
    if ('tensor' in value) put(prefix + name, value.tensor);
    // A state_dict that has a name is the state_dict.
    else if ('named' in value)
      for (const [key, inner] of value.named) add(key, inner, 'named' in inner ? `${prefix}${key}.` : prefix);
    else for (const [key, tensor] of returned(cursor, value.items)) put(key, tensor);
  };
  const leaveAside = (text: string) => {
    const line = text.trim();
    label = SHOWS.exec(line)?.[1];
    if (line === '') return;
    if (aside.first.length === MOST_SHOWN) aside.more++;
    else aside.first.push(`line ${cursor.line()} ${printable(line.slice(0, LONGEST_SHOWN).trimEnd())}`);
  };

  while (!cursor.atEnd()) {
    if (cursor.match(SILENT)) continue;
    const prompt = cursor.atLineStart() && cursor.match(CODE);
    const margin = !prompt && cursor.atLineStart() && cursor.match(MARGIN);
    if (margin) {
      if (margin[1] !== undefined && margin[1] !== '*') margins.push(Number(margin[1]));
      continue;
    }
    const sizes = cursor.match(SIZES);
    if (sizes) {
      leaveAside(sizes[0]);
      continue;
    }
    const name = cursor.match(NAME_OF_VALUE);
    if (name) {
      add(name[1] ?? name[2] ?? name[3], valueAt(cursor, 0));
      label = undefined;
    } else if (cursor.match(VALUE)) {
      add(label ?? NAMELESS, valueAt(cursor, 0));
      label = undefined;
    } else {
      leaveAside((cursor.match(PROSE) ?? cursor.match(LINE)!)[0]);
    }
  }
  if (tensors.size === 0 && aside.first.length === 0 && margins.length === 1)
    put(NAMELESS, {
      ...nothing(),
      dtype: 'F32',
      shape: [1],
      values: margins,
      decimals: [0],
      exponents: [Number.NaN],
    });
  const more = aside.more ? `, and ${aside.more} more` : '';
  const notes = aside.first.length ? [`left aside: ${aside.first.join(', ')}${more}`] : [];
  if (tensors.size === 0) throw new CellcheckError({ problem: 'holds no printed tensor', hints: notes });
  const read = readDigits([...tensors.values()]);
  const all = [...tensors].map(([name, { dtype, shape }], i): [string, Tensor] => {
    const { values: data, printed } = read[i];
    return [name, { dtype, shape, data, ...(printed && { printed }) }];
  });
  return { ...stateDict(new Map(all)), notes };
}

function decoded(bytes: Uint8Array): string {
  if (bytes.length > LARGEST) {
    throw new CellcheckError({
      found: `${bytes.length} bytes of printed text`,
      expected: `${LARGEST} at most`,
      hints: ['Save tensors of this size as safetensors.'],
    });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new CellcheckError({ problem: 'is not UTF-8 text' });
  }
}

/** What a module returns: `(output, h_n)`, `(output, (h_n, c_n))`, of an LSTMCell `(h_n, c_n)`. */
function returned(cursor: Cursor, items: readonly Value[]): (readonly [string, Numbers])[] {
  const [first, second] = items;
  if (items.length === 2 && 'tensor' in first) {
    const output = first.tensor;
    if ('tensor' in second) {
      const other = second.tensor;
      // The same shapes with other values: a sequence of one step ends as it begins.
      const cell =
        sameShape(output.shape, other.shape) && output.values.some((one, i) => one !== other.values[i]);
      return cell
        ? [
            ['h_n', output],
            ['c_n', other],
          ]
        : [
            ['output', output],
            ['h_n', other],
          ];
    }
    if ('items' in second && second.items.length === 2) {
      const [h, c] = second.items;
      if ('tensor' in h && 'tensor' in c)
        return [
          ['output', output],
          ['h_n', h.tensor],
          ['c_n', c.tensor],
        ];
    }
  }
  return cursor.fail('ends something else in brackets than (output, h_n) or (output, (h_n, c_n))');
}

function valueAt(cursor: Cursor, depth: number): Value {
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
  if (TENSOR_WORD.test(token)) return { tensor: called(cursor, token) };
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

/** Values in brackets; one in brackets is itself, and one that follows a name has that name. */
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

/** Numbers; or tensors, which are stacked; or pairs of names and tensors. */
function list(cursor: Cursor, depth: number): Value {
  if (!cursor.match(LIST_OF_VALUES)) return { tensor: { ...nested(cursor, false), dtype: 'F32' } };
  const values: Value[] = [];
  items(cursor, '[', ']', () => values.push(valueAt(cursor, depth + 1)));
  const named = values.flatMap((value) => ('named' in value ? value.named : []));
  if (values.every((value) => 'named' in value)) return { named };
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

/** As torch.stack does along a new first dimension. */
function stacked(cursor: Cursor, tensors: readonly Numbers[]): Numbers {
  const [first] = tensors;
  const { shape } = first;
  const odd = tensors.find((one) => !sameShape(one.shape, shape));
  if (odd)
    cursor.fail(`ends a list of tensors of the shapes ${formatShape(shape)} and ${formatShape(odd.shape)}`);
  return {
    ...first,
    shape: [tensors.length, ...shape],
    values: tensors.flatMap(({ values }) => values),
    decimals: tensors.flatMap(({ decimals }) => decimals),
    exponents: tensors.flatMap(({ exponents }) => exponents),
    significant: tensors.flatMap(({ significant }) => significant),
  };
}

/** `([…], dtype=…)`; PyTorch does not say its default dtype, numpy not that of Python's numbers. */
function called(cursor: Cursor, word: string): Numbers {
  cursor.take('(');
  const numbers = cursor.peek() === '[' ? nested(cursor, true) : scalar(cursor);
  const dtype = keywords(cursor);
  const exactZeros = /ensor$/.test(word);
  return { ...numbers, dtype: dtype ?? 'F32', grid: dtype ?? (exactZeros ? 'F32' : undefined), exactZeros };
}

type Nested = Omit<Numbers, 'dtype' | 'grid' | 'exactZeros'>;

const nothing = (): Written => ({ values: [], decimals: [], exponents: [], significant: [] });

function scalar(cursor: Cursor): Nested {
  const written = nothing();
  number(cursor, written);
  return { ...written, shape: [] };
}

function number(cursor: Cursor, { values, decimals, exponents, significant }: Written): void {
  const token = cursor.next();
  const special = SPECIAL.get(token);
  if (special === undefined && !isNumber(token)) cursor.unexpected(token, 'a number');
  const value = special ?? Number(token);
  if (special === undefined && !Number.isFinite(value)) cursor.fail('has a number beyond double precision');
  const [mantissa, power] = special === undefined ? token.split(/[eE]/) : [''];
  values.push(value);
  decimals.push(mantissa.split('.')[1]?.length ?? 0);
  exponents.push(power === undefined ? Number.NaN : Number(power));
  significant.push(mantissa.replace(/[-+.]/g, '').replace(/^0+/, '').length);
}

/**
 * A nested list of numbers: rectangular, or it fails.
 * @param commas whether they must stand between numbers: numpy's str() has none
 */
function nested(cursor: Cursor, commas: boolean): Nested {
  const written = nothing();
  const { values } = written;
  const shape: number[] = [];
  let separated: boolean | undefined = commas || undefined;
  const row = (depth: number) => {
    if (depth === DEEPEST) cursor.fail(`has more than ${DEEPEST} brackets inside each other`);
    cursor.take('[');
    let count = 0;
    while (cursor.peek() !== ']') {
      const inner = cursor.peek() === '[';
      // The first number says how deep all of them are.
      if (values.length > 0 && inner !== depth + 1 < shape.length)
        cursor.fail('has numbers and rows side by side');
      if (inner) row(depth + 1);
      else number(cursor, written);
      count++;
      const after = cursor.peek();
      if (after === ']') continue;
      separated ??= after === ',';
      if (separated) cursor.take(',');
    }
    cursor.take(']');
    shape[depth] ??= count;
    if (shape[depth] !== count) cursor.fail(`has a row of ${count} where others have ${shape[depth]}`);
  };
  row(0);
  return { ...written, shape };
}

/** What follows a tensor's values up to its closing bracket: its dtype, where it says one. */
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
