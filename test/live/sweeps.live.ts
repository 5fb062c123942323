import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { Network, Sequence } from '../../src/module/bind.js';
import type { Module } from '../../src/module/parameters.js';
import { cli, SAMPLES, scratch } from '../cli.js';
import { oracle } from '../engine/oracle.js';
import { npyOf, npz } from '../hostile/numpy-writer.js';
import { graph, lstmWeights, model, node, tensorOf } from '../hostile/onnx-writer.js';
import { BUNDLE, CASE, WEIGHTS } from '../hostile/rows.js';
import { legacy, savedState, scriptedState } from '../hostile/torch-writer.js';
import { safetensorsBytes } from '../write.js';

// Cuts a file to every possible length, and changes every byte of it. Where the verdict is still parity, every number
// that was compared must still be within its tolerance: the oracle checks this, with the separate readers of this file.

// The default for float32 references, and a margin for the oracle's own rounding.
const [RTOL, ATOL] = [1.3e-6, 1e-5 * 1.001];
const MASKS = [0x01, 0x04, 0x10, 0x80, 0xff];

type Numbers = Record<string, Float64Array>;

const FORMATS: readonly {
  name: string;
  file: string;
  module: Module;
  read: (bytes: Uint8Array) => Numbers;
}[] = [
  {
    name: 'lstm.safetensors',
    file: 'lstm.safetensors',
    module: moduleOf('LSTM'),
    read(bytes) {
      const buffer = Buffer.from(bytes);
      const start = 8 + Number(buffer.readBigUInt64LE());
      const header: Record<string, { data_offsets: [number, number] }> = JSON.parse(
        buffer.toString('utf8', 8, start),
      );
      const tensors = Object.entries(header).filter(([name]) => name !== '__metadata__');
      return Object.fromEntries(
        tensors.map(([name, { data_offsets }]) => {
          const [begin, end] = data_offsets;
          const count = (end - begin) / 4;
          return [
            name,
            Float64Array.from({ length: count }, (_, i) => buffer.readFloatLE(start + begin + 4 * i)),
          ];
        }),
      );
    },
  },
  {
    name: 'gru.json',
    file: 'gru.json',
    module: moduleOf('GRU'),
    read(bytes) {
      const tensors = Object.entries(JSON.parse(Buffer.from(bytes).toString())).filter(([, value]) =>
        Array.isArray(value),
      );
      return Object.fromEntries(
        tensors.map(([name, rows]) => [name, Float64Array.from((rows as number[]).flat(3), Number)]),
      );
    },
  },
];

function moduleOf(kind: 'GRU' | 'LSTM'): Module {
  return {
    kind,
    cell: false,
    nonlinearity: 'tanh',
    prefix: '',
    input_size: 3,
    hidden_size: 4,
    proj_size: 0,
    num_layers: 1,
    bidirectional: false,
    bias: true,
  };
}

/** The largest difference between the expected tensors and the outputs of the oracle, in tolerances. */
function worst(numbers: Numbers, module: Module): number {
  const network: Network = {
    module,
    layers: [
      [
        {
          weightIh: numbers.weight_ih_l0,
          weightHh: numbers.weight_hh_l0,
          biasIh: numbers.bias_ih_l0,
          biasHh: numbers.bias_hh_l0,
        },
      ],
    ],
  };
  const sequence: Sequence = { steps: 6, batch: 2, input: numbers.input, h0: numbers.h_0, c0: numbers.c_0 };
  const { trace: _, ...outputs } = oracle(network, sequence);
  const actual: Record<string, Float64Array> = outputs;
  const compared = ['output', 'h_n', 'c_n'].filter((name) => numbers[name]);
  expect(compared.length).toBeGreaterThan(0);
  const ratios = compared.flatMap((name) =>
    Array.from(
      numbers[name],
      (value, i) => Math.abs(value - actual[name][i]) / (ATOL + RTOL * Math.abs(value)),
    ),
  );
  return ratios.reduce((a, b) => (Number.isNaN(a) || a > b ? a : b), 0);
}

test.each(FORMATS)('$name: cut short anywhere, it is never parity', { timeout: 6e5 }, async ({ file }) => {
  const cwd = scratch();
  const bytes = fs.readFileSync(path.join(SAMPLES, 'bundles', file)).subarray();
  // A final newline does not belong to the case.
  const whole = bytes.toString('latin1').trimEnd().length;
  for (let length = 0; length < whole; length++) {
    fs.writeFileSync(path.join(cwd, file), bytes.subarray(0, length));
    const { code, stderr } = await cli(['verify', file], { cwd });
    expect(`${length}: ${code}`).toBe(`${length}: 2`);
    expect(stderr).toContain(file);
  }
});

test.each(FORMATS)(
  '$name: with any byte changed, it is parity only where nothing compared has moved',
  { timeout: 12e5 },
  async ({ file, module, read }) => {
    const cwd = scratch();
    const bytes = fs.readFileSync(path.join(SAMPLES, 'bundles', file));
    const codes: Record<number, number> = { 0: 0, 1: 0, 2: 0 };
    for (let at = 0; at < bytes.length; at++) {
      for (const mask of MASKS) {
        const changed = Buffer.from(bytes);
        changed[at] ^= mask;
        fs.writeFileSync(path.join(cwd, file), changed);
        const { code } = await cli(['verify', file, '--quiet'], { cwd });
        codes[code]++;
        if (code === 0) {
          const ratio = worst(read(changed), module);
          if (!(ratio <= 1)) throw new Error(`byte ${at} ^ ${mask}: parity, and ${ratio} tolerances off`);
        }
      }
    }
    console.log(file, codes);
    for (const code of [0, 1, 2]) expect(codes[code]).toBeGreaterThan(0);
  },
);

// The other formats: every length, and one bit of every byte (all with SWEEP=all). Numbers stand in all of them where
// they stood before, so that the oracle reads them there, whatever the file says about them now.

/** A file of one of the formats, and how it is used. */
interface Form {
  readonly file: string;
  readonly bytes: Buffer;
  readonly argv: readonly string[];
  /** Whether checksums protect the numbers: then parity means that none has changed at all. */
  readonly checked: boolean;
  /** The numbers in a changed file. */
  readonly read: (bytes: Buffer) => Numbers;
}

const WHOLE = 'whole.safetensors';
const toNumbers = (bytes: Uint8Array) => Float64Array.from(new Float32Array(Uint8Array.from(bytes).buffer));
const ORIGINAL: Numbers = Object.fromEntries(
  Object.entries(BUNDLE).map(([name, { bytes }]) => [name, toNumbers(bytes)]),
);

/** Reads tensors where their bytes are in the file before it is changed. */
function inPlace(bytes: Buffer, stored: Readonly<Record<string, Uint8Array>>) {
  const places = Object.entries(stored).map(([name, part]) => {
    const at = bytes.indexOf(part);
    expect(at, name).toBeGreaterThan(0);
    return [name, at, at + part.length] as const;
  });
  return (changed: Buffer): Numbers => ({
    ...ORIGINAL,
    ...Object.fromEntries(places.map(([name, from, to]) => [name, toNumbers(changed.subarray(from, to))])),
  });
}

const bytesIn = (tensors: typeof BUNDLE) =>
  Object.fromEntries(Object.entries(tensors).map(([name, { bytes }]) => [name, bytes]));

function form(
  file: string,
  bytes: Buffer,
  checked: boolean,
  tensors = BUNDLE,
  argv: readonly string[] = [file],
): Form {
  return { file, bytes, argv, checked, read: inPlace(bytes, bytesIn(tensors)) };
}

const asWeights = (file: string) => ['--weights', file, '--input', WHOLE, '--expected', WHOLE];
const asExpected = (file: string) => ['--weights', WHOLE, '--input', WHOLE, '--expected', file];

function onnxForm(): Form {
  const file = 'x.onnx';
  const weights = lstmWeights(WEIGHTS);
  const lstm = node({ op: 'LSTM', name: 'l', inputs: ['X', 'W', 'R', 'B'], outputs: ['Y', 'h', 'c'] });
  const bytes = model(
    graph({ nodes: [lstm], initializers: Object.entries(weights).map(([name, one]) => tensorOf(name, one)) }),
  );
  const stored = inPlace(bytes, bytesIn(weights));
  /** ONNX's blocks i o f c in PyTorch's order i f g o. */
  const ordered = (values: Float64Array) => {
    const block = values.length / 4;
    const blocks = [0, 2, 3, 1].map((from) => [...values.subarray(from * block, (from + 1) * block)]);
    return Float64Array.from(blocks.flat());
  };
  return {
    file,
    bytes,
    argv: asWeights(file),
    checked: false,
    read(changed) {
      const { W, R, B, ...numbers } = stored(changed);
      return {
        ...numbers,
        weight_ih_l0: ordered(W),
        weight_hh_l0: ordered(R),
        bias_ih_l0: ordered(B.subarray(0, 16)),
        bias_hh_l0: ordered(B.subarray(16)),
      };
    },
  };
}

function csvForm(): Form {
  const file = 'x.csv';
  const [steps, batch, units] = CASE.output.shape;
  const at = (b: number, t: number) => (t * batch + b) * units;
  const rows = Array.from({ length: batch }, (_, b) =>
    Array.from({ length: steps }, (_, t) =>
      Array.from(ORIGINAL.output.subarray(at(b, t), at(b, t) + units), (value) => value.toPrecision(9)).join(
        ',',
      ),
    ).join('\n'),
  );
  return {
    file,
    bytes: Buffer.from(`${rows.join('\n\n')}\n`),
    argv: asExpected(file),
    checked: false,
    read(changed) {
      const lines = changed
        .toString('latin1')
        .split(/[\n\r]+/)
        .filter((line) => /^[^#]*\S/.test(line));
      const values = lines.map((line) => line.split(/[,;]/).map((cell) => Number(cell.replace(/"/g, ''))));
      expect(values.length).toBe(steps * batch);
      const output = Float64Array.from({ length: steps * batch * units }, (_, i) => {
        const [t, b] = [Math.floor(i / (batch * units)), Math.floor(i / units) % batch];
        return values[b * steps + t][i % units];
      });
      const { h_n: _h, c_n: _c, ...numbers } = ORIGINAL;
      return { ...numbers, output };
    },
  };
}

const NPY = npyOf(CASE.output);
const FORMS: readonly Form[] = [
  form('x.pt', savedState(BUNDLE), true),
  form('legacy.pt', legacy(BUNDLE), false),
  form('scripted.pt', scriptedState(BUNDLE), true),
  form('x.npz', npz(BUNDLE), true),
  form('x.npy', NPY, false, { output: CASE.output }, asExpected('x.npy')),
  csvForm(),
  onnxForm(),
];

const BITS = process.env.SWEEP === 'all' ? [0, 1, 2, 3, 4, 5, 6, 7] : undefined;

/** What is wrong with a verdict of parity on changed bytes. */
function wrongParity({ checked, read }: Form, changed: Buffer): string | undefined {
  const numbers = read(changed);
  if (checked) return Object.keys(ORIGINAL).find((name) => `${numbers[name]}` !== `${ORIGINAL[name]}`);
  const ratio = worst(numbers, moduleOf('LSTM'));
  return ratio <= 1 ? undefined : `${ratio} tolerances off`;
}

test.each(FORMS)(
  '$file: cut short anywhere, it is parity only where nothing is missing',
  { timeout: 6e5 },
  async (one) => {
    const cwd = scratch();
    const { file, bytes, argv } = one;
    fs.writeFileSync(path.join(cwd, WHOLE), safetensorsBytes(BUNDLE));
    const codes: Record<number, number> = { 0: 0, 1: 0, 2: 0 };
    for (let length = 0; length < bytes.length; length++) {
      fs.writeFileSync(path.join(cwd, file), bytes.subarray(0, length));
      const { code, stdout, stderr } = await cli(['verify', ...argv, '--quiet'], { cwd });
      codes[code]++;
      if (code === 2) expect(stdout + stderr).not.toContain('in cellcheck itself');
      // What is missing counts as zero.
      const padded = file.endsWith('.csv')
        ? bytes.subarray(0, length)
        : Buffer.concat([bytes.subarray(0, length), Buffer.alloc(bytes.length - length)]);
      const wrong = code === 0 ? wrongParity(one, padded) : undefined;
      if (wrong !== undefined) throw new Error(`cut to ${length}: parity, and ${wrong}`);
    }
    console.log(file, 'cut', codes);
    expect(codes[2]).toBeGreaterThan(bytes.length / 2);
  },
);

test.each(FORMS)(
  '$file: with any bit changed, it is parity only where nothing compared has moved',
  { timeout: 36e5 },
  async (one) => {
    const cwd = scratch();
    const { file, bytes, argv } = one;
    fs.writeFileSync(path.join(cwd, WHOLE), safetensorsBytes(BUNDLE));
    const codes: Record<number, number> = { 0: 0, 1: 0, 2: 0 };
    for (let at = 0; at < bytes.length; at++) {
      for (const bit of BITS ?? [at % 8]) {
        const changed = Buffer.from(bytes);
        changed[at] ^= 1 << bit;
        fs.writeFileSync(path.join(cwd, file), changed);
        const { code, stdout, stderr } = await cli(['verify', ...argv, '--quiet'], { cwd });
        codes[code]++;
        if (code === 2) expect(stdout + stderr).not.toContain('in cellcheck itself');
        const wrong = code === 0 ? wrongParity(one, changed) : undefined;
        if (wrong !== undefined) throw new Error(`byte ${at}, bit ${bit}: parity, and ${wrong}`);
      }
    }
    console.log(file, codes);
    expect(codes[2]).toBeGreaterThan(0);
  },
);
