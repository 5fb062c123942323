import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { CellcheckError } from '../../src/errors.js';
import { SAMPLES } from '../cli.js';
import { mutate } from '../fuzz/mutate.js';
import { budget, type Random, randomFrom } from '../fuzz/random.js';
import { readJsonBytes, readSafetensorsBytes } from '../fuzz/read.js';
import { lstmBundle, raw, safetensorsBytes } from '../write.js';

// FUZZ_SEED=… repeats a run. FUZZ_COUNT=10000000 makes this many mutations instead of running for half a minute.
const SECONDS = 30;

/** Reads mutated files: the only error that a reader may throw is CellcheckError. */
function fuzz(
  files: readonly Uint8Array[],
  read: (file: Uint8Array) => void,
  mend: (file: Uint8Array, random: Random) => void,
) {
  const { seed, goesOn } = budget(SECONDS);
  const random = randomFrom(seed);
  const counts = { accepted: 0, refused: 0 };
  // Stack traces of a million errors would take most of the time.
  Error.stackTraceLimit = 0;
  for (let done = 0; goesOn(done); done++) {
    const file = mutate(random.pick(files), random.pick(files), random);
    mend(file, random);
    try {
      read(file);
      counts.accepted++;
    } catch (error) {
      if (!(error instanceof CellcheckError)) {
        throw new Error(`mutation ${done} of seed ${seed}: ${Buffer.from(file).toString('base64')}`, {
          cause: error,
        });
      }
      counts.refused++;
    }
  }
  console.log(counts);
  // A useful fuzzer sees both outcomes.
  expect(counts.accepted).toBeGreaterThan(100);
  expect(counts.refused).toBeGreaterThan(100);
}

test('mutated safetensors files: nothing but the tool’s own errors', { timeout: 36e5 }, () => {
  const small = {
    a: raw([2, 2], [1, 2, 3, 4]),
    'm.b': raw([1], [Number.NaN], 'F64'),
    c: raw([0, 3], []),
    d: { dtype: 'BF16', shape: [3], bytes: new Uint8Array(6) },
    e: { dtype: 'U16', shape: [], bytes: new Uint8Array(2) },
  };
  const files = [
    safetensorsBytes(small),
    safetensorsBytes(small, { format: 'pt', batch_first: 'true' }),
    safetensorsBytes({}),
    safetensorsBytes({ x: raw([1], [1]) }, { note: 'é\u0000' }),
    safetensorsBytes(lstmBundle(), { module: 'LSTM' }),
  ];
  fuzz(files, readSafetensorsBytes, (file, random) => {
    // Mutations rarely leave the header's length right. It is usually corrected, so that the rest of the file is read.
    const end =
      file.indexOf('}}'.charCodeAt(0), 8) < 0 ? file.length : Buffer.from(file).lastIndexOf('}') + 1;
    if (file.length >= 8 && random.chance(0.8)) {
      new DataView(file.buffer, file.byteOffset).setBigUint64(0, BigInt(Math.max(0, end - 8)), true);
    }
  });
});

test('mutated JSON files: nothing but the tool’s own errors, and nothing read otherwise than JSON.parse does', {
  timeout: 36e5,
}, () => {
  const texts = [
    '{"input": [[0.1, -2e3], [3, 4]], "h_0": [["NaN", "-Infinity"]], "case": {"module": "GRU", "batch_first": true}}',
    '{"a": {"dtype": "F32", "shape": [2, 1], "data": [0.1, 1e-7]}, "b": {"dtype": "int64", "shape": [], "data": [3]}}',
    '[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]',
    '{"weights": "w.safetensors", "input": "i.json", "tolerance": {"atol": 1e-4, "c_n": {"rtol": 0}}, "n": null}',
    ' {"\\u0061\\n\\"é😀": [0.30000000000000004, 123456789012345678, 1E+2, -0], "": [[], []]} ',
    '[]',
  ];
  const files = [
    ...texts.map((text) => new TextEncoder().encode(text)),
    fs.readFileSync(path.join(SAMPLES, 'notebook-gru', 'weights.json')),
  ];
  fuzz(files, readJsonBytes, () => undefined);
});
