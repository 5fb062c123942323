import { CellcheckError, printable } from '../errors.js';
import { sameShape } from '../tensor/shape.js';
import { type StateDict, stateDict } from '../tensor/state-dict.js';
import type { Tensor } from '../tensor/tensor.js';
import { NAMELESS } from './json.js';
import { readDigits } from './printed-digits.js';
import { type Cursor, cursorOver } from './printed-tokens.js';
import { BRACKET, CALL, type Numbers, nothing, type Value, valueAt } from './printed-values.js';

/** Nobody prints more. A text takes many times its size in memory. */
const LARGEST = 16 * 2 ** 20;
const MOST_NAMES = 10_000;
const LONGEST_NAME = 500;

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
