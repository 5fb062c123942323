// Compares cellcheck's verdicts with PyTorch for random modules:
//
//     npm run parity -- --cases 1000 --seed 7 [--rule close]
//
// makes this number of modules with PyTorch's own initialisation, and the same number with weights × 2 and × 3. Each
// module gives a case with a correct reference ("honest") and, where a fault can be injected, one with a faulty
// reference. Exits with 1 if a verdict is false, and keeps the files of that case.
import { execFile, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { pythonWithTorch } from './python.js';

const CLI = fileURLToPath(new URL('../../bin/cellcheck.cjs', import.meta.url));
const GENERATOR = fileURLToPath(new URL('random_modules.py', import.meta.url));
const RESULT = fileURLToPath(new URL('../../coverage/parity.json', import.meta.url));

// The number of modules that are on the disk at the same time, and that one process verifies.
const CHUNK = 50;

/** @typedef {'parity' | 'differs' | 'ill-conditioned' | 'undecided' | 'error'} Verdict */

/**
 * What the generator prints about a case.
 * @typedef {object} Line
 * @property {number} number
 * @property {string} words
 * @property {string} dtype
 * @property {number} error of PyTorch's own rounding, in tolerances
 * @property {string} honest
 * @property {string} [faulty]
 * @property {string} [fault]
 * @property {number} [effect] of the fault, in tolerances
 */

/**
 * @typedef {object} Set
 * @property {string} name
 * @property {string} scales
 * @property {readonly Verdict[]} honest the right verdicts for correct references
 * @property {number} mostOpen the largest fraction of honest cases that may be undecided or ill-conditioned
 * @property {(line: Line) => boolean} wellConditioned whether a fault must be found
 */

/** @type {readonly Set[]} */
const SETS = [
  {
    name: "PyTorch's own initialisation",
    scales: '1',
    honest: ['parity', 'ill-conditioned', 'undecided'],
    mostOpen: 0.05,
    wellConditioned: () => true,
  },
  {
    name: 'weights × 2 and × 3',
    scales: '2,3',
    honest: ['parity', 'ill-conditioned', 'undecided'],
    mostOpen: 0.2,
    // PyTorch's own rounding takes less than a tenth of the tolerance.
    wellConditioned: ({ error }) => error < 0.1,
  },
];

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    rule: { type: 'string', default: 'auto' },
  },
});
const cases = Number(values.cases);
const seed = Number(values.seed);
if (
  !Number.isSafeInteger(cases) ||
  cases < 1 ||
  !Number.isSafeInteger(seed) ||
  seed < 0 ||
  !['close', 'auto'].includes(values.rule)
) {
  console.error(
    'usage: npm run parity -- --cases N --seed S --rule R (a seed is chosen if none is given; R is auto or close)',
  );
  process.exit(2);
}
console.log(`npm run parity -- --cases ${cases} --seed ${seed} --rule ${values.rule}`);

const python = pythonWithTorch();
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cellcheck-parity-'));
let passed = 0;
let failed = 0;
for (const set of SETS) await runSet(set);
if (failed === 0) fs.rmSync(folder, { recursive: true });
else console.log(`the cases of false verdicts are in ${folder}`);
console.log(`${passed} right verdicts, ${failed} false`);
fs.mkdirSync(path.dirname(RESULT), { recursive: true });
fs.writeFileSync(RESULT, JSON.stringify({ numPassedTests: passed, numFailedTests: failed }));
process.exitCode = failed ? 1 : 0;

/** @param {Set} set */
async function runSet(set) {
  /** @type {Record<string, Record<string, number>>} */
  const counts = {};
  const count = (/** @type {string} */ kind, /** @type {Verdict} */ verdict) => {
    counts[kind] ??= { parity: 0, differs: 0, 'ill-conditioned': 0, undecided: 0, error: 0 };
    counts[kind][verdict]++;
  };
  // The generator makes the next chunk while cellcheck verifies this one.
  let next = generate(set, 0);
  for (let first = 0; first < cases; first += CHUNK) {
    const { out, lines } = await next;
    if (first + CHUNK < cases) next = generate(set, first + CHUNK);
    const verdicts = verify(out);
    /** @type {string[]} */
    const kept = [];
    const judge = (/** @type {string} */ file, /** @type {boolean} */ right, /** @type {string} */ words) => {
      if (right) passed++;
      else {
        failed++;
        kept.push(file);
        console.log(`FALSE ${verdicts.get(file)}: ${path.join(out, file)}: ${words}`);
      }
    };
    for (const line of lines) {
      const verdict = /** @type {Verdict} */ (verdicts.get(line.honest));
      count(`honest ${line.dtype}`, verdict);
      judge(line.honest, set.honest.includes(verdict), line.words);
      if (!line.faulty) continue;
      const found = /** @type {Verdict} */ (verdicts.get(line.faulty));
      count(`${line.fault?.replace('_', ' ')}`, found);
      const open = found === 'ill-conditioned' || found === 'undecided';
      const right = found === 'differs' || (open && !set.wellConditioned(line));
      judge(line.faulty, right, `${line.fault}, effect ${line.effect}; ${line.words}`);
    }
    for (const file of fs.readdirSync(out)) if (!kept.includes(file)) fs.rmSync(path.join(out, file));
  }
  const honest = Object.entries(counts).filter(([kind]) => kind.startsWith('honest'));
  const open = honest.reduce((sum, [, each]) => sum + each['ill-conditioned'] + each.undecided, 0);
  console.log(`\n${set.name}`);
  console.table(counts);
  if (open > set.mostOpen * cases) {
    failed++;
    console.log(`FALSE: ${open} of ${cases} honest cases have no verdict`);
  }
}

/**
 * @param {Set} set
 * @param {number} first
 * @returns {Promise<{ out: string, lines: Line[] }>}
 */
async function generate({ scales }, first) {
  const out = path.join(folder, `${scales}-${first}`);
  const count = Math.min(CHUNK, cases - first);
  const argv = [GENERATOR, out, seed, first, count, scales].map(String);
  const { stdout } = await promisify(execFile)(python, argv, { maxBuffer: 2 ** 26 });
  const lines = stdout.trim().split('\n');
  if (lines.length !== count) throw new Error(`the generator made ${lines.length} of ${count} cases`);
  return { out, lines: lines.map((line) => JSON.parse(line)) };
}

/**
 * The verdicts of the built CLI on all bundles of a folder.
 * @param {string} out
 * @returns {Map<string, Verdict>}
 */
function verify(out) {
  const report = path.join(out, 'report.json');
  const argv = [CLI, 'verify', '*.safetensors', '--rule', values.rule, '--reporter', `json=${report}`];
  const { status, stderr } = spawnSync(process.execPath, argv, { cwd: out, encoding: 'utf8' });
  if (!fs.existsSync(report)) throw new Error(`cellcheck wrote no report (exit ${status}): ${stderr}`);
  /** @type {{ case: string, verdict: Verdict }[]} */
  const results = JSON.parse(fs.readFileSync(report, 'utf8')).cases;
  const verdicts = results.map(({ verdict }) => verdict);
  const none = verdicts.some((verdict) => verdict !== 'parity' && verdict !== 'differs');
  const wanted = none ? 2 : verdicts.includes('differs') ? 1 : 0;
  if (status !== wanted) throw new Error(`cellcheck exits ${status} in the place of ${wanted}`);
  return new Map(results.map((result) => [result.case, result.verdict]));
}
