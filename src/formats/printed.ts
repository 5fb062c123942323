import { CellcheckError } from '../errors.js';
import { type Dtype, dtypeNamed } from '../tensor/dtype.js';
import { type StateDict, stateDict } from '../tensor/state-dict.js';
import type { Tensor } from '../tensor/tensor.js';
import { NAMELESS } from './json.js';

/** Nobody prints more. A text takes many times its size in memory. */
const LARGEST = 16 * 2 ** 20;
const DEEPEST = 16;
const MOST_NAMES = 10_000;
const LONGEST_NAME = 500;

// One of: a number, a word, a quoted name, what an object prints in angle brackets, an elision, a single character.
const TOKEN =
  /[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.])|[-+](?:inf|nan)\b|[A-Za-z_][\w.]*|'[^'\\\n]*'|"[^"\\\n]*"|<[^<>\n]{0,200}>|\.\.\.|[^\s]/y;
const NUMBER = /^[-+]?(?:\d|\.\d)/;
const SPECIAL: Readonly<Record<string, number>> = {
  inf: Number.POSITIVE_INFINITY,
  '+inf': Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
  nan: Number.NaN,
  '+nan': Number.NaN,
  '-nan': Number.NaN,
};
const TENSOR_WORDS = /^(?:(?:torch\.)?tensor|(?:np\.|numpy\.)?array)$/;
const ORDERED = /^(?:collections\.)?OrderedDict$/;
const NAME = /^[A-Za-z_][\w.]*$/;

/**
 * What a notebook or a Python prompt shows of tensors: `OrderedDict([('weight_ih_l0', tensor([[0.3445]])), …])`, a dict,
 * `h_n = tensor([…], grad_fn=<…>)`, numpy's `array([…])`, or nested lists. It is read, and nothing in it is executed.
 * How many decimals were printed is that of the numbers that have most (a program's setting is one for all of them), or
 * fewer where an exponent says so; undefined where all are whole.
 * @throws CellcheckError without a file, naming the line
 */
export function tensorsOfPrinted(bytes: Uint8Array): StateDict {
  const text = decoded(bytes);
  const tokens = tokenizer(text);
  const tensors = new Map<string, Tensor>();
  const precision = { fixed: Number.NEGATIVE_INFINITY, scientific: Number.POSITIVE_INFINITY };

  const add = (name: string, tensor: Tensor) => {
    if (tensors.has(name))
      tokens.fail(name === NAMELESS ? 'a second tensor without a name' : 'a name that was there before');
    if (name.length > LONGEST_NAME) tokens.fail('a name of more than 500 characters');
    if (tensors.size === MOST_NAMES) tokens.fail(`more than ${MOST_NAMES} tensors`);
    tensors.set(name, tensor);
  };
  const tensor = (): Tensor => {
    if (tokens.peek() === '[') return read(tokens, precision);
    const word = tokens.next();
    // torch.nn.Parameter: `Parameter containing:`, then the tensor.
    if (word === 'Parameter' && tokens.peek() === 'containing') {
      tokens.next();
      tokens.take(':');
      return tensor();
    }
    if (!TENSOR_WORDS.test(word)) tokens.unexpected(word, 'tensor(…), array(…) or a nested list');
    tokens.take('(');
    const values = read(tokens, precision);
    const dtype = keywords(tokens);
    return dtype ? { ...values, dtype } : values;
  };
  const named = () => unquoted(tokens.next()) ?? tokens.fail('something in the place of a quoted name');

  while (tokens.peek() !== '') {
    const first = tokens.peek();
    if (ORDERED.test(first)) {
      tokens.next();
      tokens.take('(');
      if (tokens.peek() === '{') dict();
      else
        list('[', ']', () => {
          tokens.take('(');
          const name = named();
          tokens.take(',');
          add(name, tensor());
          tokens.take(')');
        });
      tokens.take(')');
    } else if (first === '{') dict();
    else if (first !== 'Parameter' && NAME.test(first) && !TENSOR_WORDS.test(first)) {
      const name = tokens.next();
      if (tokens.peek() === ':') tokens.next();
      else tokens.take('=');
      // A state_dict that has a name is the state_dict.
      if (tokens.peek() !== '{' && !ORDERED.test(tokens.peek())) add(name, tensor());
    } else add(NAMELESS, tensor());
    if (tokens.peek() === ',') tokens.next();
  }
  if (tensors.size === 0) throw new CellcheckError({ problem: 'holds no printed tensor' });
  const decimals = Math.min(
    precision.fixed > 0 ? precision.fixed : Number.POSITIVE_INFINITY,
    precision.scientific,
  );
  return { ...stateDict(tensors), decimals: Number.isFinite(decimals) ? Math.max(0, decimals) : undefined };

  function dict(): void {
    list('{', '}', () => {
      const name = named();
      tokens.take(':');
      add(name, tensor());
    });
  }

  function list(open: string, close: string, entry: () => void): void {
    tokens.take(open);
    while (tokens.peek() !== close) {
      entry();
      if (tokens.peek() !== close) tokens.take(',');
    }
    tokens.take(close);
  }
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

interface Tokens {
  peek(): string;
  next(): string;
  take(token: string): void;
  unexpected(found: string, expected: string): never;
  fail(problem: string): never;
}

/** The tokens of a text, one after the other; the empty one stands at its end. */
function tokenizer(text: string): Tokens {
  let at = 0;
  let ahead: string | undefined;
  const scan = () => {
    while (at < text.length && /\s/.test(text[at])) at++;
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text)?.[0] ?? '';
    at += token.length;
    if (token === '...') {
      fail('numbers that were left out (…)', [
        'Print all of it: torch.set_printoptions(threshold=10**9), or numpy.set_printoptions(threshold=sys.maxsize).',
      ]);
    }
    return token;
  };
  const fail = (problem: string, hints?: readonly string[]): never => {
    const line = text.slice(0, at).split('\n').length;
    throw new CellcheckError({ problem: `line ${line} has ${problem}`, hints });
  };
  const tokens: Tokens = {
    peek() {
      ahead ??= scan();
      return ahead;
    },
    next() {
      const token = tokens.peek();
      ahead = undefined;
      return token;
    },
    take(wanted) {
      const token = tokens.next();
      if (token !== wanted) tokens.unexpected(token, wanted);
    },
    unexpected(found, expected) {
      const what = found === '' ? 'its end' : /^[-+\d.]/.test(found) ? 'a number' : 'something else';
      return fail(`${what} where ${expected} is expected`, [
        'A .txt file holds tensors as Python prints them; nothing in it is executed.',
      ]);
    },
    fail,
  };
  return tokens;
}

/** A nested list of numbers: rectangular, or it fails. */
function read(tokens: Tokens, precision: { fixed: number; scientific: number }): Tensor {
  const values: number[] = [];
  const shape: number[] = [];
  let most = 0;
  let exponent: number | undefined;
  const number = () => {
    const token = tokens.next();
    if (token in SPECIAL) values.push(SPECIAL[token]);
    else if (NUMBER.test(token)) {
      const value = Number(token);
      if (!Number.isFinite(value)) tokens.fail('a number beyond double precision');
      values.push(value);
      const [digits, power] = token.split(/[eE]/);
      most = Math.max(most, digits.split('.')[1]?.length ?? 0);
      if (power !== undefined) exponent = Math.max(exponent ?? Number.NEGATIVE_INFINITY, Number(power));
    } else tokens.unexpected(token, 'a number');
  };
  const row = (depth: number) => {
    if (depth === DEEPEST) tokens.fail(`more than ${DEEPEST} brackets inside each other`);
    tokens.take('[');
    let count = 0;
    while (tokens.peek() !== ']') {
      const nested = tokens.peek() === '[';
      // The first number says how deep all of them are.
      if (values.length > 0 && nested !== depth + 1 < shape.length)
        tokens.fail('numbers and rows side by side');
      if (nested) row(depth + 1);
      else number();
      count++;
      if (tokens.peek() !== ']') tokens.take(',');
    }
    tokens.take(']');
    shape[depth] ??= count;
    if (shape[depth] !== count) tokens.fail(`a row of ${count} where others have ${shape[depth]}`);
  };
  if (tokens.peek() === '[') row(0);
  else number();
  if (exponent === undefined) precision.fixed = Math.max(precision.fixed, most);
  else precision.scientific = Math.min(precision.scientific, most - exponent);
  return { dtype: 'F32', shape, data: Float64Array.from(values) };
}

/** What follows a tensor's values up to its closing bracket: its dtype, where it says one. */
function keywords(tokens: Tokens): Dtype | undefined {
  let dtype: Dtype | undefined;
  while (tokens.peek() === ',') {
    tokens.next();
    if (tokens.peek() === ')') break;
    const name = tokens.next();
    tokens.take('=');
    const value = tokens.next();
    if (value === '(') {
      while (tokens.peek() !== ')' && tokens.peek() !== '') tokens.next();
      tokens.take(')');
    }
    if (name !== 'dtype') continue;
    dtype = dtypeNamed((unquoted(value) ?? value).replace(/^(?:torch|np|numpy)\./, ''));
    if (!dtype) tokens.fail('a dtype that cellcheck does not know');
  }
  tokens.take(')');
  return dtype;
}

function unquoted(token: string): string | undefined {
  return /^['"]/.test(token) && token.length > 1 ? token.slice(1, -1) : undefined;
}
