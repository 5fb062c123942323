import { CellcheckError, printable } from '../errors.js';
import { sameShape } from '../tensor/shape.js';
import { NAMELESS, type StateDict, stateDict } from '../tensor/state-dict.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Format } from './format.js';
import { type ReadNumbers, readDigits } from './printed-digits.js';
import { type Cursor, cursorOver } from './printed-tokens.js';
import { BRACKET, CALL, type Numbers, type Value, valueAt, vectorOf } from './printed-values.js';
import { decodedText } from './text.js';

export const printed: Format = {
  name: 'printed',
  endings: ['.txt'],
  text: true,
  holds: 'tensors as Python prints them',
  looksLike: (head) => /(?:tensor|array|OrderedDict|Parameter containing)\(/.test(head),
  open: (source) => ({ tensors: () => tensorsOfPrinted(source.read(0, source.size)) }),
};

const MOST_NAMES = 10_000;
const LONGEST_NAME = 500;

/** The beginning of a value. */
const VALUE = new RegExp(`(?=${CALL}|${BRACKET})`, 'y');
/** `name =`, `name:`, `'name':` before a value, or a bare name before `tensor(` and the like. */
const NAME_OF_VALUE = new RegExp(
  String.raw`(?:([A-Za-z_][\w.]*)|'([^'\\\n]*)'|"([^"\\\n]*)")(?:[ \t]*[:=]\s*(?=${CALL}|${BRACKET})|,?\s+(?=${CALL}))`,
  'y',
);
/** The name of a parameter or of a role, before bare brackets. */
const NAME_OF_NUMBERS =
  /((?:[\w.]*\.)?(?:(?:weight|bias)_[a-z]\w*|output|input|h_n|c_n|h_0|c_0))[ \t]+(?=\[)/y;
/** `output, (h_n, c_n) =`: a tuple is unpacked. */
const NAMES_OF_TUPLE = new RegExp(
  String.raw`\(?[A-Za-z_]\w*(?:[ \t]*,[ \t]*\(?[A-Za-z_]\w*\)?)+\)?[ \t]*=[ \t]*(?=${CALL}|${BRACKET})`,
  'y',
);
/** Prose before a value in the same line. */
const PROSE = new RegExp(String.raw`[^\n=([{]*(?:=[ \t]*)?(?<=[ \t:=])(?=${CALL})`, 'y');
const LINE = /[^\n]*/y;

// What surrounds tensors in a notebook or a terminal.
const SILENT = /```[^\n]*|#[^\n]*|Out ?\[[\d *]*\]:|[,;]/y;
const CODE = /(?:In ?\[[\d *]*\]:|>>>|\.{3,}:?(?=[ \n]|$))[ \t]*/y;
/** A notebook's cell number beside its output: `[55]:`. */
const MARGIN = /\[[ \t]*(?:(\d{1,9}|\*)[ \t]*)?\]:?/y;
const SIZES = /([^\n=([{]*)(?:=[ \t]*)?torch\.Size\([^)\n]*\)?/y;
/** Code that shows one variable: its value follows. */
const SHOWS = /^(?:print[ \t]*\([ \t]*)?([A-Za-z_]\w*)[ \t]*\)?$/;
const MOST_SHOWN = 3;
const LONGEST_SHOWN = 40;

/**
 * Reads tensors as a notebook or a Python prompt shows them: `OrderedDict([('weight_ih_l0', tensor([[0.3445]])), …])`,
 * a dict, `h_n = tensor([…], grad_fn=<…>)`, numpy's `array([…])` or `[[0.1 0.2]]`, nested lists, `(output, h_n)` and
 * `(output, (h_n, c_n))` as a module returns them, and lists of tensors, which are stacked. Prompts, code and prose
 * around them are ignored; notes say which lines. Nothing in the text is executed.
 * @throws CellcheckError without a file, naming the line
 */
export function tensorsOfPrinted(bytes: Uint8Array): StateDict {
  const cursor = cursorOver(decodedText(bytes));
  const tensors = new Map<string, Numbers>();
  const ignored = { shown: [] as string[], more: 0 };
  let label: string | undefined;
  // Numbers of notebook cells, as in `[55]:`; but one may be a tensor.
  const cellNumbers: number[] = [];
  const nameless: Value[] = [];

  const put = (name: string, tensor: Numbers) => {
    if (tensors.has(name)) cursor.fail('has a name that was there before');
    if (name.length > LONGEST_NAME) cursor.fail('has a name of more than 500 characters');
    if (tensors.size === MOST_NAMES) cursor.fail(`has more than ${MOST_NAMES} tensors`);
    tensors.set(name, tensor);
  };
  const add = (name: string, value: Value, prefix = '') => {
    if ('tensor' in value) put(prefix + name, value.tensor);
    // The variable that holds a state_dict is no part of its names.
    else if ('named' in value)
      for (const [key, inner] of value.named) add(key, inner, 'named' in inner ? `${prefix}${key}.` : prefix);
    else for (const [key, tensor] of returned(cursor, value.items)) put(key, tensor);
  };
  const ignore = (text: string, code = text) => {
    const line = text.trim();
    label = SHOWS.exec(code.trim())?.[1];
    if (line === '') return;
    if (ignored.shown.length === MOST_SHOWN) ignored.more++;
    else ignored.shown.push(`line ${cursor.line()} ${printable(line.slice(0, LONGEST_SHOWN).trimEnd())}`);
  };

  while (!cursor.atEnd()) {
    if (cursor.match(SILENT)) continue;
    const prompt = cursor.atLineStart() && cursor.match(CODE);
    const margin = !prompt && cursor.atLineStart() && cursor.match(MARGIN);
    if (margin) {
      if (margin[1] !== undefined && margin[1] !== '*') cellNumbers.push(Number(margin[1]));
      continue;
    }
    const sizes = cursor.match(SIZES);
    if (sizes) {
      ignore(sizes[0], sizes[1]);
      continue;
    }
    if (cursor.match(NAMES_OF_TUPLE)) label = undefined;
    const name = cursor.match(NAME_OF_VALUE) ?? cursor.match(NAME_OF_NUMBERS);
    const begins = name ?? cursor.match(VALUE);
    if (!begins) {
      const text = (cursor.match(PROSE) ?? cursor.match(LINE)!)[0];
      if (!prompt && opensRow(text))
        cursor.fail(CUT_OFF, ['Put a name and = before the tensor, or a line break.']);
      ignore(text);
      continue;
    }
    const afterNameless = nameless.length > 0 && cursor.atLineStart();
    const value = valueAt(cursor, 0);
    const valueName = name ? (name[1] ?? name[2] ?? name[3]) : label;
    if (valueName !== undefined || 'named' in value) add(valueName ?? NAMELESS, value);
    else if (afterNameless) cursor.fail('has a second tensor without a name');
    else nameless.push(value);
    label = undefined;
  }
  // print(output, h_n) shows them in one line: they are the items of a tuple.
  if (nameless.length === 1) add(NAMELESS, nameless[0]);
  else if (nameless.length > 1) add(NAMELESS, { items: nameless });
  if (tensors.size === 0 && ignored.shown.length === 0 && cellNumbers.length === 1)
    put(NAMELESS, vectorOf(cellNumbers[0]));
  const more = ignored.more ? `, and ${ignored.more} more` : '';
  const notes = ignored.shown.length ? [`skipped: ${ignored.shown.join(', ')}${more}`] : [];
  if (tensors.size === 0) throw new CellcheckError({ problem: 'holds no printed tensor', hints: notes });
  // The parts of all tensors, in their order.
  const read = readDigits([...tensors.values()].flatMap(({ parts }) => parts));
  const entries = [...tensors].map(([name, { dtype, shape, parts }]): [string, Tensor] => [
    name,
    { dtype, shape, ...joined(read.splice(0, parts.length)) },
  ]);
  return { ...stateDict(new Map(entries)), notes };
}

const CUT_OFF = 'has text before the first row of a tensor';

/** Whether a line ends inside a row, so that the rows after it would be read as a whole tensor. */
function opensRow(line: string): boolean {
  const plain = line.replaceAll('\u001b[', '');
  return plain.split('[').length > plain.split(']').length;
}

/** The values of a tensor's parts, concatenated. */
function joined(parts: readonly ReadNumbers[]): Pick<Tensor, 'data' | 'printed'> {
  const printed = parts.flatMap((part) => part.printed ?? []);
  const join = (valuesOfPart: (part: ReadNumbers) => ArrayLike<number>) =>
    Float64Array.from(parts.flatMap((part) => Array.from(valuesOfPart(part))));
  const data = join(({ values }) => values);
  if (printed.length === 0) return { data };
  const decimals = printed.reduce(
    (fewest, part) => Math.min(fewest, part.decimals),
    Number.POSITIVE_INFINITY,
  );
  const halfUnits = join((part) => part.printed?.halfUnits ?? new Float64Array(part.values.length));
  return { data, printed: { decimals, halfUnits } };
}

function valuesOf({ parts }: Numbers): number[] {
  return parts.flatMap(({ values }) => values);
}

/** Names what a module returns: `(output, h_n)`, `(output, (h_n, c_n))`, or `(h_n, c_n)` from an LSTMCell. */
function returned(cursor: Cursor, items: readonly Value[]): (readonly [string, Numbers])[] {
  const [first, second] = items;
  if (items.length === 2 && 'tensor' in first) {
    const output = first.tensor;
    if ('tensor' in second) {
      const state = second.tensor;
      // Two states of a step have one shape. So have output and h_n of a sequence of one step, but these are equal.
      const oneStep = output.shape.length <= 2 && sameShape(output.shape, state.shape);
      const states = valuesOf(state);
      const isCell = oneStep && valuesOf(output).some((value, i) => value !== states[i]);
      return isCell
        ? [
            ['h_n', output],
            ['c_n', state],
          ]
        : [
            ['output', output],
            ['h_n', state],
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
