import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { median } from './statistics.js';

/** @param {string} relative */
const at = (relative) => fileURLToPath(new URL(relative, import.meta.url));
export const CLI = at('../bin/cellcheck.cjs');

/** Cases of several sizes, and the number of rounds in which each is measured. */
const CASES = [
  { input: 3, hidden: 4, layers: 1, steps: 4, batch: 1, rounds: 15 },
  { input: 256, hidden: 512, layers: 1, steps: 200, batch: 1, rounds: 7 },
  { input: 256, hidden: 512, layers: 1, steps: 200, batch: 16, rounds: 7 },
  { input: 512, hidden: 1024, layers: 2, steps: 200, batch: 1, rounds: 5 },
  { input: 512, hidden: 1024, layers: 2, steps: 100, batch: 32, rounds: 5 },
  { input: 64, hidden: 128, layers: 1, steps: 20_000, batch: 1, rounds: 5 },
];

/**
 * Measures whole processes: `cellcheck verify` by its default rule and with its table, and the same check in Python; then one
 * module of a 2 GB checkpoint. Gives milliseconds, peak memory, and ratios of times in the same round.
 * @param {import('./run.js').Bench} bench
 */
export async function processes(bench) {
  const { python, node20, node24 } = bench;
  const ask = bench.start(python, [at('contenders/processes.py')]);
  const prepare = bench.start(python, [at('contenders/torch_passes.py')]);
  const results = [];
  for (const { rounds, ...shape } of CASES) {
    const { input, hidden, layers, steps, batch } = shape;
    const stack = layers > 1 ? `, ${layers} layers` : '';
    const name = `LSTM ${input} → ${hidden}${stack}, ${steps} steps × ${batch}`;
    const folder = path.join(bench.folder, `case-${hidden}-${steps}-${batch}`);
    fs.mkdirSync(folder);
    await prepare({ prepare: { kind: 'LSTM', dtype: 'float32', ...shape }, folder });
    execFileSync(python, [at('contenders/add_output.py'), folder]);
    const bundle = path.join(folder, 'case.safetensors');
    results.push(
      await measure(ask, name, rounds, folder, {
        'Node 20, nothing': [node20, '-e', '0'],
        'Node 24, nothing': [node24, '-e', '0'],
        'cellcheck, Node 20': [node20, CLI, 'verify', bundle],
        'cellcheck, Node 24': [node24, CLI, 'verify', bundle],
        'Python + torch': [python, at('contenders/check_torch.py'), folder],
        'Python + onnxruntime': [python, at('contenders/check_onnx.py'), folder],
      }),
    );
  }
  const large = largeCheckpoint(bench.folder);
  results.push(
    await measure(ask, 'one module of 20 MB out of a checkpoint of 2 GB', 5, bench.folder, {
      'cellcheck list, Node 20': [node20, CLI, 'list', large],
      'cellcheck verify, Node 20': [node20, CLI, 'verify', ...verifyLarge(large, bench.folder)],
      'Python + safetensors + numpy': [python, at('contenders/read_safetensors.py'), large],
    }),
  );
  return results;
}

/**
 * @param {import('./run.js').Ask} ask
 * @param {string} name
 * @param {number} rounds
 * @param {string} folder
 * @param {Record<string, string[]>} commands
 * @param {string} [first] the program that the others are held against
 */
export async function measure(ask, name, rounds, folder, commands, first) {
  /** @type {Record<string, { milliseconds: number[], mebibytes: number[] }>} */
  const runs = Object.fromEntries(
    Object.keys(commands).map((key) => [key, { milliseconds: [], mebibytes: [] }]),
  );
  // The first round is a warm-up: it fills the disk cache and V8's code cache.
  for (let round = -1; round < rounds; round++) {
    for (const [key, command] of Object.entries(commands)) {
      const { milliseconds, mebibytes, status } = await ask({ run: command, folder });
      if (status !== 0) throw new Error(`${command.join(' ')} exited ${status}`);
      if (round < 0) continue;
      runs[key].milliseconds.push(milliseconds);
      runs[key].mebibytes.push(mebibytes);
    }
  }
  const table = Object.entries(runs).map(([key, { milliseconds, mebibytes }]) => {
    /** @param {string} other */
    const ratioTo = (other) =>
      runs[other] && median(milliseconds.map((time, i) => time / runs[other].milliseconds[i]));
    return {
      program: key,
      milliseconds: median(milliseconds),
      mebibytes: median(mebibytes),
      toBareNode: key.startsWith('cellcheck') ? ratioTo(`${key.split(', ')[1]}, nothing`) : undefined,
      toTorch: ratioTo('Python + torch'),
      toFirst: first === undefined ? undefined : ratioTo(first),
    };
  });
  console.error(name);
  console.error(
    table
      .map(
        (row) =>
          `  ${row.program}  ${row.milliseconds.toFixed(1)} ms  ${row.mebibytes.toFixed(0)} MiB  ${row.toBareNode?.toFixed(2) ?? ''}  ${(row.toTorch ?? row.toFirst)?.toFixed(3) ?? ''}`,
      )
      .join('\n'),
  );
  return { name, table };
}

// 512 → 1024, as float32: 25 MB.
const ROWS = 4096;
const LARGE = {
  weight_ih_l0: [ROWS, 512],
  weight_hh_l0: [ROWS, 1024],
  bias_ih_l0: [ROWS],
  bias_hh_l0: [ROWS],
};

/**
 * A checkpoint of 2 GB. All tensors are holes in the file, so that it takes no space on the disk.
 * @param {string} folder
 */
function largeCheckpoint(folder) {
  const file = path.join(folder, 'large.safetensors');
  /** @type {Record<string, object>} */
  const header = {};
  let at = 0;
  /** @type {(name: string, shape: readonly number[]) => void} */
  const add = (name, shape) => {
    const end = at + 4 * shape.reduce((a, b) => a * b);
    header[name] = { dtype: 'F32', shape, data_offsets: [at, end] };
    at = end;
  };
  add('embedding.weight', [500_000, 1000]);
  for (const [name, shape] of Object.entries(LARGE)) add(`lstm.${name}`, shape);
  save(file, header, at);
  return file;
}

/**
 * Writes a safetensors file whose data are a hole, which reads as zeros.
 * @param {string} file
 * @param {Record<string, object>} header
 * @param {number} bytes of the data
 */
function save(file, header, bytes) {
  const text = JSON.stringify(header);
  const padded = text.padEnd(Math.ceil(text.length / 8) * 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  fs.writeFileSync(file, Buffer.concat([length, Buffer.from(padded)]));
  fs.truncateSync(file, 8 + padded.length + bytes);
}

/**
 * Arguments that verify its module: all weights are zero, and therefore the output as well.
 * @param {string} weights
 * @param {string} folder
 */
function verifyLarge(weights, folder) {
  const input = path.join(folder, 'input.safetensors');
  const expected = path.join(folder, 'expected.safetensors');
  save(input, { input: { dtype: 'F32', shape: [2, 1, 512], data_offsets: [0, 4096] } }, 4096);
  save(expected, { output: { dtype: 'F32', shape: [2, 1, 1024], data_offsets: [0, 8192] } }, 8192);
  return ['--weights', weights, '--prefix', 'lstm.', '--input', input, '--expected', expected];
}
