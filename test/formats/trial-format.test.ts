import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Addition, buildProgram, runProgram } from '../trial-program.js';
import { lstmBundle, type RawTensor } from '../write.js';
import { sourceOf } from './source.js';
import { MAGIC, trial } from './trial.js';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cellcheck-trial-'));
const [without, withTrial] = ['without', 'with'].map((name) => path.join(folder, name));

const ADDITION: Addition = {
  file: 'formats/trial.ts',
  into: 'src/formats',
  registry: 'src/formats/formats.ts',
  change(text) {
    const after = `import { trial } from './trial.js';\n${text.replace(/,?\s*\];/, ', trial];')}`;
    expect(after).toContain(', trial];');
    return after;
  },
};

/** A file in the trial format. */
function trialBytes(tensors: Readonly<Record<string, RawTensor>>): Uint8Array {
  const entries = Object.entries(tensors);
  // Offsets are written with as many digits whatever they are, so that the index has one length.
  const index = (start: number) => {
    let offset = start;
    const lines = entries.map(([name, { shape, bytes }]) => {
      const line = `${String(offset).padStart(9, '0')} [${shape}] ${name}`;
      offset += bytes.length;
      return line;
    });
    return Buffer.from(lines.join('\n'));
  };
  const length = Buffer.alloc(4);
  length.writeUInt32LE(index(0).length);
  const start = MAGIC.length + length.length + index(0).length;
  return Buffer.concat([Buffer.from(MAGIC), length, index(start), ...entries.map(([, { bytes }]) => bytes)]);
}

const run = (root: string, ...argv: string[]) => runProgram(root, folder, ...argv);

beforeAll(async () => {
  await Promise.all([buildProgram(without), buildProgram(withTrial, ADDITION)]);

  const bundle = lstmBundle();
  const pick = (wanted: (name: string) => boolean) =>
    trialBytes(Object.fromEntries(Object.entries(bundle).filter(([name]) => wanted(name))));
  const outputs = ['output', 'h_n', 'c_n'];
  const whole = trialBytes(bundle);
  const files = {
    'lstm.trial': whole,
    'renamed.safetensors': whole,
    'lstm.hdf5': Buffer.concat([Buffer.alloc(MAGIC.length), whole.subarray(MAGIC.length)]),
    'w.trial': pick((name) => /weight|bias/.test(name)),
    'i.trial': pick((name) => /^(?:input|h_0|c_0)$/.test(name)),
    'e.trial': pick((name) => outputs.includes(name)),
    'case.json': JSON.stringify({ weights: 'w.trial', input: 'i.trial', expected: 'e.trial' }),
    'short.trial': whole.subarray(0, -4),
    'unknown.dat': Buffer.from('hello'),
  };
  for (const [name, content] of Object.entries(files)) fs.writeFileSync(path.join(folder, name), content);
});

afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

test('the trial format reads what this test writes', () => {
  const bundle = lstmBundle();
  const { specs, load } = trial.open(sourceOf(trialBytes(bundle))).tensors();
  expect([...specs.keys()]).toEqual(Object.keys(bundle));
  for (const [name, { shape, data }] of load([...specs.keys()])) {
    expect(shape).toEqual(bundle[name].shape);
    expect(Buffer.from(data.buffer, data.byteOffset, data.byteLength)).toEqual(
      Buffer.from(bundle[name].bytes),
    );
  }
});

const COMMANDS = {
  verify: 'parity',
  diagnose: 'parity',
  inspect: 'h_n',
  list: 'LSTM',
};

describe.each(Object.entries(COMMANDS))('%s', (command, says) => {
  test.each(['lstm.trial', 'case.json', 'renamed.safetensors'])(
    'takes %s in the format that was added',
    (file) => {
      const { status, output } = run(withTrial, command, file);
      expect(output).toContain(says);
      expect(status).toBe(0);
    },
  );

  test('refuses the file without the format, and says what is read', () => {
    const { status, output } = run(without, command, 'lstm.trial');
    expect(output).toMatch(
      /^cellcheck: lstm\.trial: is of a format that cellcheck does not know\n {2}cellcheck reads \.safetensors/,
    );
    expect(output.replaceAll('lstm.trial', '')).not.toContain('.trial');
    expect(status).toBe(2);
  });
});

test('three files of the format make a case', () => {
  const argv = ['--weights', 'w.trial', '--input', 'i.trial', '--expected', 'e.trial'];
  expect(run(withTrial, 'verify', ...argv)).toMatchObject({
    status: 0,
    output: expect.stringContaining('parity'),
  });
});

test('a format takes over files that were known and refused', () => {
  const before = run(without, 'verify', 'lstm.hdf5');
  expect(before.output).toContain('lstm.hdf5: is a Keras or HDF5 file');
  expect(before.status).toBe(2);
  const after = run(withTrial, 'verify', 'lstm.hdf5');
  expect(after.output).toContain('parity');
  expect(after.status).toBe(0);
});

test('messages and hints know the format', () => {
  expect(run(withTrial, 'verify', 'unknown.dat').output).toMatch(
    /cellcheck reads \.safetensors, .*\.json and \.trial files, .*, and \.txt with tensors as Python prints them\./,
  );
  expect(run(withTrial, 'verify', 'nosuch').output).toMatch(
    /a bundle \(\.safetensors, .*\.json or \.trial\)/,
  );
  const report = ['verify', 'lstm.trial', '--reporter', 'json=report.trial'];
  expect(run(withTrial, ...report).output).toContain('A report is no file of tensors');
  expect(run(without, ...report).output).not.toContain('A report is no file of tensors');
});

test('what the format would read beyond the end of a file is refused, whatever the format checks', () => {
  const { status, output } = run(withTrial, 'verify', 'short.trial');
  expect(output).toMatch(/short\.trial: found \d+ bytes, expected \d+ more from byte \d+ on/);
  expect(output).toContain('The file is cut short or damaged.');
  expect(status).toBe(2);
});
