import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { CellcheckError } from '../../src/errors.js';
import { scratch } from '../cli.js';
import { randomFile } from '../fuzz/headers.js';
import { INTENDED_DIFFERENCES } from '../fuzz/intended-differences.js';
import { budget, randomFrom } from '../fuzz/random.js';
import { readSafetensorsBytes } from '../fuzz/read.js';
import { pythonWithTorch } from './python.js';

const SECONDS = 30;
const BATCH = 20_000;

type Listing = [name: string, dtype: string, shape: number[], hex: string][];

test('headers are read as the Rust library reads them, but for the intended differences', {
  timeout: 36e5,
}, () => {
  const { seed, goesOn } = budget(SECONDS);
  const random = randomFrom(seed);
  const folder = scratch();
  const counts: Record<string, number> = { 'both accept': 0, 'both refuse': 0 };
  const astray: string[] = [];
  for (let done = 0; goesOn(done); done += BATCH) {
    const files = Array.from({ length: BATCH }, () => randomFile(random));
    for (const [i, theirs] of rust(files, folder).entries()) {
      const ours = listing(files[i]);
      const outcome = compare(ours, theirs, files[i]);
      if (outcome === undefined) {
        astray.push(
          `${Buffer.from(files[i]).toString('latin1')}\n  ours: ${JSON.stringify(ours)}\n  Rust: ${JSON.stringify(theirs)}`,
        );
      } else counts[outcome] = (counts[outcome] ?? 0) + 1;
    }
    expect(astray.slice(0, 5)).toEqual([]);
  }
  console.log(counts);
  expect(counts['both accept']).toBeGreaterThan(BATCH / 10);
  expect(counts['both refuse']).toBeGreaterThan(BATCH / 10);
});

/** The outcome if both agree, the intended difference between them, or undefined if they differ otherwise. */
function compare(ours: Listing | string, theirs: Listing | string, file: Uint8Array): string | undefined {
  if (typeof ours !== 'string' && typeof theirs !== 'string') {
    const sorted = (list: Listing) => JSON.stringify(list.toSorted(([a], [b]) => (a < b ? -1 : 1)));
    return sorted(ours) === sorted(theirs) ? 'both accept' : undefined;
  }
  if (typeof ours === 'string' && typeof theirs === 'string') return 'both refuse';
  const header = Buffer.from(file.subarray(8)).toString();
  const intended = INTENDED_DIFFERENCES.find((difference) => {
    const refuses =
      typeof ours === 'string' ? difference.refusal?.test(ours) : difference.refusal === undefined;
    return refuses && (difference.text?.(header) ?? true);
  });
  return intended?.what;
}

function listing(file: Uint8Array): Listing | string {
  try {
    return [...readSafetensorsBytes(file).tensors].map(([name, { dtype, shape, begin, end }]) => [
      name,
      dtype,
      [...shape],
      Buffer.from(file.subarray(begin, end)).toString('hex'),
    ]);
  } catch (error) {
    if (!(error instanceof CellcheckError)) throw error;
    return error.message;
  }
}

function rust(files: readonly Uint8Array[], folder: string): (Listing | string)[] {
  const [from, to] = [path.join(folder, 'files'), path.join(folder, 'listings')];
  const lengths = files.map((file) => new Uint8Array(Uint32Array.of(file.length).buffer));
  fs.writeFileSync(from, Buffer.concat(files.flatMap((file, i) => [lengths[i], file])));
  execFileSync(pythonWithTorch(), [path.join(import.meta.dirname, 'differential.py'), from, to], {
    stdio: 'inherit',
  });
  return fs
    .readFileSync(to, 'utf8')
    .split('\n')
    .map((line) => JSON.parse(line));
}
