import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { Network, Sequence } from '../../src/module/bind.js';
import type { Module } from '../../src/module/parameters.js';
import { cli, SAMPLES, scratch } from '../cli.js';
import { oracle } from '../engine/oracle.js';

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
