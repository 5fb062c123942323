import { lstmBundle, raw, safetensorsBytes, withHeader } from '../write.js';
import type { HostileCase } from './corpus.js';

/** What a text from a file may try; every one of them begins with a letter and goes on as a terminal would not show. */
const TEXTS: Readonly<Record<string, string>> = {
  'clears the screen': 'a\u001b[2Jb',
  'sets the title': 'a\u001b]0;owned\u0007b',
  'makes a link': 'a\u001b]8;;http://example.com\u001b\\b\u001b]8;;\u001b\\',
  'writes to the clipboard': 'a\u001b]52;c;cm0gLXJm\u0007b',
  'asks the terminal': 'a\u001bP$qm\u001b\\b',
  'uses an 8-bit control': 'a\u009b31mb',
  'goes back to the start': 'ERROR\rparity',
  'goes back a letter': 'differs\b\b\b\b\b\b\bparity',
  deletes: 'a\u007fb',
  rings: 'a\u0007b',
  'ends a C string': 'a\u0000b',
  'turns the direction': 'a\u202egnp.b',
  isolates: 'a\u2066b\u2069',
  'ends a line': 'a\nparity    all of 1,000,000 values\n',
  'ends a line for Unicode': 'a\u2028parity\u2029b',
  hides: 'a\u200bb\u2060c\ufeffd',
  'hides in tags': 'a\u{e0041}\u{e0042}b',
  'commands a CI system': '::error file=a.js::owned',
  'commands it on a line of its own': 'a\n::stop-commands::x\n::add-mask::y',
  'is a format string': '%s%n%x %c %o',
  'is a replacement pattern': "$&$`$'$1",
  'is markup': '<script>alert(1)</script>',
  'has quotes': "a\" and 'b' and `c` and \\d",
  'is a private letter': 'a\ue000b',
  'is no character': 'a\ufffeb',
};

const CASE = { weights: 'w.safetensors', input: 'i.safetensors', expected: 'e.safetensors' };

function folderOf(options: object, tensors = lstmBundle()): Record<string, Uint8Array | string> {
  const { input, h_0, c_0, output, h_n, c_n, ...weights } = tensors;
  return {
    'case.json': JSON.stringify({ ...CASE, ...options }),
    'w.safetensors': safetensorsBytes(weights),
    'i.safetensors': safetensorsBytes({ input, h_0, c_0 }),
    'e.safetensors': safetensorsBytes({ output, h_n, c_n }),
  };
}

type Place = (text: string) => Omit<HostileCase, 'name' | 'hides'>;

const bundle = (bytes: Uint8Array, exit: 0 | 2, ...says: string[]) => ({
  files: { 'x.safetensors': bytes },
  exit,
  says,
});
const folder = (files: Record<string, Uint8Array | string>, exit: 0 | 2, ...says: string[]) => ({
  files,
  argv: ['.'],
  exit,
  says,
});
const nothing = raw([1], [0]);

/** Where cellcheck meets a text from somewhere else. */
const PLACES: Readonly<Record<string, Place>> = {
  'the name of an unused tensor': (text) =>
    bundle(safetensorsBytes({ ...lstmBundle(), [text]: nothing }), 0, 'parity'),
  'a name that looks meant': (text) => {
    const files = folderOf({});
    const { output } = lstmBundle();
    return folder(
      { ...files, 'e.safetensors': safetensorsBytes({ output, [text]: nothing }) },
      0,
      'not used',
    );
  },
  'the name of a broken tensor': (text) =>
    bundle(
      withHeader(
        JSON.stringify({ [text]: { dtype: 'F32', shape: [2], data_offsets: [0, 4] } }),
        new Uint8Array(4),
      ),
      2,
      'found 4 bytes of data',
    ),
  'a dtype': (text) =>
    bundle(
      withHeader(JSON.stringify({ a: { dtype: text, shape: [1], data_offsets: [0, 4] } }), new Uint8Array(4)),
      2,
      'a: its dtype is not',
    ),
  'a prefix in a checkpoint': (text) =>
    bundle(
      safetensorsBytes(
        Object.fromEntries(
          Object.entries(lstmBundle()).flatMap(([name, tensor]) => [
            [`${text}.${name}`, tensor],
            [`b.${name}`, tensor],
          ]),
        ),
      ),
      2,
      'input',
    ),
  'an option in the metadata': (text) =>
    bundle(safetensorsBytes(lstmBundle(), { module: text }), 2, 'module: is not one of'),
  'the prefix in the metadata': (text) =>
    bundle(safetensorsBytes(lstmBundle(), { prefix: text }), 2, 'x.safetensors'),
  'metadata that is not ours': (text) =>
    bundle(safetensorsBytes(lstmBundle(), { [text]: text, format: text }), 0, 'parity'),
  'an unknown option of a case': (text) => folder(folderOf({ [text]: 1 }), 2, 'is not an option of a case'),
  'the file of a case': (text) =>
    folder(
      folderOf({ weights: `${text.replaceAll('/', '')}.safetensors` }),
      2,
      'case.json names it as its weights',
    ),
  'a path out of the case': (text) => folder(folderOf({ input: `../../../../../../../../${text}` }), 2),
  'the reason of a tolerance': (text) =>
    folder(folderOf({ tolerance: { atol: 1e-4, reason: text } }), 0, 'of the case'),
  'a description': (text) => folder(folderOf({ description: text }), 0, 'parity'),
  'the name that a tensor should have': (text) =>
    folder(folderOf({ names: { output: text } }), 2, 'no tensor is named'),
  'a name that nothing reads': (text) =>
    folder(folderOf({ names: { [text]: 'output' } }), 2, 'is not one that cellcheck reads'),
  'the prefix of a case': (text) => folder(folderOf({ prefix: text }), 2, 'prefix'),
  'the module of a case': (text) => folder(folderOf({ module: text }), 2, 'module: is not one of'),
  'a name in JSON': (text) => ({
    files: { 'x.json': JSON.stringify({ [text]: [[1], 2] }) },
    exit: 2,
    says: ['entry [1] is a number among rows'],
  }),
  'a value in JSON': (text) => ({
    files: { 'x.json': JSON.stringify({ input: [text] }) },
    exit: 2,
    says: ['input: entry [0] is text, not a number'],
  }),
  'a file that is no JSON': (text) => ({
    files: { 'x.json': `{"input": ${text}` },
    exit: 2,
    says: ['line 1, column 11'],
  }),
  '--prefix': (text) => ({
    ...bundle(safetensorsBytes(lstmBundle()), 2, 'x.safetensors'),
    argv: ['x.safetensors', `--prefix=${text.replaceAll('\0', '')}`],
  }),
  '--module': (text) => ({
    ...bundle(safetensorsBytes(lstmBundle()), 2, '--module'),
    argv: ['x.safetensors', `--module=${text.replaceAll('\0', '')}`],
  }),
  'a path on the command line': (text) => ({
    ...bundle(safetensorsBytes(lstmBundle()), 2),
    argv: [text.replaceAll('\0', '')],
  }),
  'the name of a file': (text) => {
    const file = `${text.replaceAll(/[\0/]/g, '')}.safetensors`;
    return {
      files: { [file]: safetensorsBytes(lstmBundle()).subarray(0, -1) },
      exit: 2,
      says: ['cut short'],
    };
  },
};

const visible = (text: string) => !/[^\P{C}]|[\u2028\u2029]/u.test(text);

export const TEXT_CASES: readonly HostileCase[] = Object.entries(PLACES).flatMap(([place, at]) =>
  Object.entries(TEXTS).map(([what, text]) => ({
    name: `text that ${what}, as ${place}`,
    ...at(text),
    hides: visible(text) ? [] : [text],
  })),
);
