import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli } from '../cli.js';
import { pythonWithTorch } from './python.js';

// LIVE_KEPT=folder: copies cases that are judged wrongly to this folder, with cellcheck's report.
const SEED = Number(process.env.LIVE_SEED ?? Date.now() % 1_000_000);
const CASES = Number(process.env.LIVE_CASES ?? 600);
const KEPT = process.env.LIVE_KEPT;
const SCRIPT = fileURLToPath(new URL('printed_cases.py', import.meta.url));

/** What the generator prints about a case. */
interface Line {
  readonly number: number;
  readonly words: string;
  /** The styles in which the tensors of the reference were printed. */
  readonly kinds: readonly string[];
  readonly options: string;
  readonly exact: string;
  readonly magnitudes: string;
  /** How much of the reference is lost by printing. */
  readonly hides: string;
  /** Whether all numbers of each tensor of the reference are equal. */
  readonly constant: boolean;
  /** How many random cases before it were discarded because they overflow. */
  readonly vain: number;
  readonly argv: readonly string[];
  /** Whether there is a wrong reference: it is missing where it overflows, or where printing hides the difference. */
  readonly off: boolean;
}

const out = fs.mkdtempSync(path.join(os.tmpdir(), 'cellcheck-printed-'));
let lines: readonly Line[] = [];

beforeAll(() => {
  console.log(`LIVE_SEED=${SEED}`);
  const argv = [SCRIPT, out, SEED, CASES].map(String);
  const text = execFileSync(pythonWithTorch(), argv, { encoding: 'utf8', maxBuffer: 2 ** 26 });
  lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
});

afterAll(() => fs.rmSync(out, { recursive: true, force: true }));

/**
 * Verifies each case against this file of its folder. Returns the cases with a wrong verdict, and counts of verdicts.
 */
async function judged(file: string, among: readonly Line[], right: (verdict: string) => boolean) {
  const tables: Record<string, Record<string, Record<string, number>>> = { all: {} };
  const wrong: string[] = [];
  for (const line of among) {
    const cwd = path.join(out, String(line.number));
    const { stdout } = await cli(['verify', ...line.argv, '--expected', file, '--reporter', 'json'], { cwd });
    const [{ verdict, error }] = JSON.parse(stdout).cases;
    const groups = {
      kinds: line.kinds.length > 1 ? 'several' : line.kinds[0],
      options: line.options,
      exact: line.exact,
      magnitudes: line.magnitudes,
      hides: line.hides,
    };
    for (const [group, key] of Object.entries({ all: file, ...groups })) {
      tables[group] ??= {};
      tables[group][key] ??= {};
      tables[group][key][verdict] = (tables[group][key][verdict] ?? 0) + 1;
    }
    if (right(verdict)) continue;
    const { message = '' } = error ?? {};
    wrong.push(
      `${line.number} ${verdict} ${message}: ${line.kinds}, ${line.exact}, ${line.magnitudes}, ${line.hides}`,
    );
    if (KEPT === undefined) continue;
    const kept = path.join(KEPT, String(line.number));
    fs.cpSync(cwd, kept, { recursive: true });
    fs.writeFileSync(path.join(kept, `${file}.report.json`), stdout);
  }
  for (const rows of Object.values(tables)) {
    console.table(Object.fromEntries(Object.entries(rows).toSorted(([a], [b]) => (a < b ? -1 : 1))));
  }
  console.log(`${file}: ${wrong.length} wrong of ${among.length}`);
  return { wrong, verdicts: tables.all[file] };
}

test('what Python prints of a network’s own outputs is never a difference, and always read', async () => {
  const { wrong, verdicts } = await judged('expected.txt', lines, (verdict) =>
    ['parity', 'undecided'].includes(verdict),
  );
  expect(wrong.slice(0, 20)).toEqual([]);
  expect(verdicts.parity).toBeGreaterThan(CASES / 2);
});

test('numbers that are off by ten times what printing hides are never parity', async () => {
  const constant = lines.filter((line) => line.constant).length;
  const vain = lines.reduce((sum, line) => sum + line.vain, 0);
  const off = lines.filter((line) => line.off);
  console.log({ cases: lines.length, constant, vain, 'none that is off': lines.length - off.length });
  const { wrong, verdicts } = await judged('off.txt', off, (verdict) => verdict !== 'parity');
  expect(wrong.slice(0, 20)).toEqual([]);
  expect(off.length).toBeGreaterThan(0.9 * CASES);
  expect(verdicts.differs).toBeGreaterThan(CASES / 2);
});
