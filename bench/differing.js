import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { judges } from './judging.js';
import { pass } from './passes.js';
import { median } from './statistics.js';

/** @param {string} relative */
const at = (relative) => fileURLToPath(new URL(relative, import.meta.url));

const SHAPES = [
  pass('LSTM', 256, 512, 1, 200, 1),
  pass('LSTM', 256, 512, 1, 200, 16),
  pass('LSTM', 64, 128, 1, 20_000, 1),
];

/**
 * Measures what a case takes that differs, as a multiple of its forward pass: in one value of the output, or in one weight. In
 * one process and two threads, without reading and printing, with the cause as `cellcheck verify` looks for it.
 * @param {import('./run.js').Bench} bench
 */
export async function differing(bench) {
  const { prepare, contenders } = judges(bench);
  const results = [];
  for (const [number, shape] of SHAPES.entries()) {
    const folder = path.join(bench.folder, `differing-${number}`);
    fs.mkdirSync(folder);
    await prepare({ prepare: { ...shape, dtype: 'float32' }, folder });
    execFileSync(bench.python, [at('contenders/add_output.py'), folder]);
    /** @type {Record<string, any>} */
    const row = { ...shape, node20: {}, node24: {} };
    for (const changed of ['nothing', 'value', 'weight']) {
      for (const ask of Object.values(contenders))
        await ask({ load: path.join(folder, 'case.safetensors'), changed });
      /** @type {Record<string, { forward: number, verdict: number }[]>} */
      const turns = { node20: [], node24: [] };
      for (let round = 0; round < bench.rounds; round++)
        for (const [name, ask] of Object.entries(contenders)) turns[name].push(await ask({ run: 2 }));
      for (const [name, times] of Object.entries(turns)) {
        row[name].forward = median(times.map(({ forward }) => forward));
        row[name][changed] = median(times.map(({ forward, verdict }) => verdict / forward));
      }
    }
    results.push(row);
    console.error(shape.kind, shape, row.node20, row.node24);
    fs.rmSync(folder, { recursive: true });
  }
  return results;
}
