import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadCaseAt } from '../src/files/load-case.js';
import { KINDS, type Kind } from '../src/kinds.js';
import type { Case, Role } from '../src/module/case.js';
import { sourceText } from '../src/report/tolerance-text.js';
import { stateDict } from '../src/tensor/state-dict.js';
import type { Tensor } from '../src/tensor/tensor.js';
import type { Comparison } from '../src/verdict/comparison.js';
import { verify } from '../src/verify.js';
import { cli, ROOT, SAMPLES, sampleNames } from './cli.js';
import { readJson } from './write.js';

const load = (name: string): Case =>
  loadCaseAt(path.join(SAMPLES, name, 'case.json'), name, { cwd: ROOT, allowOutside: false, names: {} });
const good = sampleNames();
const failing = sampleNames('failing');

function largest(comparison: Comparison): number {
  return Math.max(...comparison.tensors.map(({ worst }) => worst.difference));
}

describe('every sample', () => {
  test('is there: the notebook’s systems, as printed and as exported, and each further trait', () => {
    const systems = ['rnn-basic', 'rnn-hidden', 'rnn-bidirectional', 'rnn-stacked', 'gru', 'lstm'];
    // The weights of rnn-features were never printed.
    for (const name of [...systems, 'rnn-features', ...systems.map((system) => `notebook-${system}`)]) {
      expect(good).toContain(name);
    }
    expect(good.length).toBeGreaterThanOrEqual(27);
    expect(failing.length).toBeGreaterThanOrEqual(3);
  });

  test.each([...good, ...failing])('%s says in a sentence what it shows, and where it comes from', (name) => {
    const { description, exported, tolerance, decimals } = readJson(path.join(SAMPLES, name, 'case.json'));
    expect(description).toMatch(/^[A-Za-z0-9].{20,}\.$/);
    expect(tolerance).toBeUndefined();
    // Of printed text the decimals are seen.
    if (name.startsWith('notebook-')) expect(decimals).toBe(name === 'notebook-rnn-basic' ? undefined : 4);
    else expect(exported).toMatchObject({ torch: expect.stringMatching(/^2\.13\.0/) });
  });

  test.each(good)('%s: parity, as closely as its dtype allows', async (name) => {
    const comparison = await verify(load(name));
    expect(comparison).toMatchObject({ verdict: 'parity', warnings: [] });
    for (const { tolerance, dtype, auto } of comparison.tensors) {
      if (name.startsWith('notebook-'))
        expect(auto).toMatchObject({ decimals: 4, forced: true, undecided: 0 });
      else expect(sourceText(tolerance, '')).toBe(`${dtype} default`);
    }
    if (name.endsWith('float64')) expect(largest(comparison)).toBeLessThan(1e-14);
  });

  test.each(good)('%s: parity by what rounding can do, all of it decided', async (name) => {
    const { verdict, tensors } = await verify(load(name), { rule: 'auto' });
    expect(verdict).toBe('parity');
    for (const { auto } of tensors) expect(auto).toMatchObject({ faults: 0, undecided: 0, units: [] });
  });

  test.each(failing)('%s: beyond rounding, first where the fault was put', async (name) => {
    const { first_step } = readJson(path.join(SAMPLES, name, 'injected.json'));
    const comparison = await verify(load(name), { rule: 'auto' });
    expect(comparison.first).toMatchObject({ tensor: 'output', place: { row: first_step } });
  });

  test.each(failing)('%s: differs, first where the fault was put', async (name) => {
    const { first_step } = readJson(path.join(SAMPLES, name, 'injected.json'));
    const comparison = await verify(load(name));
    expect(comparison.verdict).toBe('differs');
    expect(comparison.first).toMatchObject({ tensor: 'output', place: { row: first_step } });
    const { stdout, code } = await cli(['verify', path.join('samples', name)]);
    expect(code).toBe(1);
    expect(stdout).toContain(`differs   first at step ${first_step} [batch `);
  });

  test('together: exit 0, and the failing ones exit 1', async () => {
    const all = await cli(['verify', 'samples']);
    expect(all).toMatchObject({ code: 0, stderr: '' });
    expect(all.stdout).toContain(`${good.length} parity, 0 differs (${good.length} cases`);
    expect(await cli(['verify', 'samples/failing/*'])).toMatchObject({ code: 1, stderr: '' });
  });

  test('float32 computation agrees with the float32 references too', async () => {
    for (const name of good.filter((sample) => !/float64|notebook/.test(sample))) {
      expect((await verify(load(name), { compute: 'float32' })).verdict).toBe('parity');
    }
  });
});

/** The case with one tensor in place of its own. */
function replaced(loaded: Case, role: Role, tensor: Tensor): Case {
  return { ...loaded, tensors: new Map(loaded.tensors).set(role, tensor) };
}

function changed(tensor: Tensor, at: number, change: (value: number) => number): Tensor {
  const data = Float64Array.from(tensor.data);
  data[at] = change(data[at]);
  return { ...tensor, data };
}

describe('one changed element is never parity', () => {
  const swept = [
    'lstm-initial-state',
    'gru-lengths',
    'lstm-projection',
    'rnn-unbatched',
    'gru-cell',
    'rnn-float64',
  ];
  test.each(swept)('%s: every element of output, h_n and c_n', async (name) => {
    const loaded = load(name);
    let swept = 0;
    for (const role of ['output', 'h_n', 'c_n'] as const) {
      const tensor = loaded.tensors.get(role);
      for (let i = 0; tensor && i < tensor.data.length; i++) {
        const one = replaced(
          loaded,
          role,
          changed(tensor, i, (v) => v + 1e-3),
        );
        expect(await verify(one)).toMatchObject({ verdict: 'differs', first: { tensor: role } });
        const { verdict, first, tensors } = await verify(one, { rule: 'close' });
        expect(verdict).toBe('differs');
        expect(first!.tensor).toBe(role);
        expect(tensors.reduce((sum, { mismatches }) => sum + mismatches, 0)).toBe(1);
        swept++;
      }
    }
    expect(swept).toBeGreaterThan(20);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    '%d anywhere',
    async (value) => {
      const loaded = load('lstm');
      for (const role of ['output', 'h_n', 'c_n', 'input'] as const) {
        const tensor = loaded.tensors.get(role)!;
        for (let i = 0; i < tensor.data.length; i++) {
          const { verdict } = await verify(
            replaced(
              loaded,
              role,
              changed(tensor, i, () => value),
            ),
            { equal_nan: false },
          );
          // Infinite inputs saturate the gates; they change the outputs all the same.
          expect(verdict).not.toBe('parity');
        }
      }
    },
  );

  test('nor is NaN on both sides, unless it is asked for', async () => {
    const loaded = load('lstm');
    const nan = (role: Role) => {
      const tensor = loaded.tensors.get(role)!;
      return { ...tensor, data: tensor.data.map(() => Number.NaN) };
    };
    const all = (['input', 'output', 'h_n', 'c_n'] as const).reduce(
      (c, role) => replaced(c, role, nan(role)),
      loaded,
    );
    expect((await verify(all)).verdict).toBe('differs');
    expect((await verify(all, { equal_nan: true })).verdict).toBe('parity');
  });

  test('every weight counts', async () => {
    for (const name of ['lstm-projection', 'gru-three-layers', 'rnn-float64']) {
      const loaded = load(name);
      const tensors = loaded.weights.load([...loaded.weights.specs.keys()]);
      for (const [weight, tensor] of tensors) {
        // The largest of each tensor, halved.
        const sizes = Array.from(tensor.data, Math.abs);
        const at = sizes.indexOf(Math.max(...sizes));
        const weights = stateDict(
          new Map(tensors).set(
            weight,
            changed(tensor, at, (value) => value / 2),
          ),
        );
        expect((await verify({ ...loaded, weights })).verdict, `${name} ${weight}`).toBe('differs');
      }
    }
  });
});

describe('swapped gates differ', () => {
  const pairs = (['GRU', 'LSTM'] as Kind[]).flatMap((kind) =>
    KINDS[kind].gates.flatMap((a, i) => KINDS[kind].gates.slice(i + 1).map((b) => [kind, a, b] as const)),
  );
  test.each(pairs)('%s %s and %s', async (kind, a, b) => {
    const loaded = load(kind.toLowerCase());
    const { gates } = KINDS[kind];
    const [from, to] = [gates.indexOf(a), gates.indexOf(b)];
    const swap = ({ data, ...rest }: Tensor): Tensor => {
      const block = data.length / gates.length;
      const copy = data.slice();
      copy.set(data.subarray(from * block, (from + 1) * block), to * block);
      copy.set(data.subarray(to * block, (to + 1) * block), from * block);
      return { ...rest, data: copy };
    };
    const tensors = loaded.weights.load([...loaded.weights.specs.keys()]);
    const weights = stateDict(new Map([...tensors].map(([name, tensor]) => [name, swap(tensor)])));
    expect((await verify({ ...loaded, weights })).verdict).toBe('differs');
  });
});

describe('the smallest atol of a report', () => {
  test.each(failing)('%s: passed back it gives parity, and the next smaller one does not', async (name) => {
    const folder = path.join('samples', name);
    const { stdout } = await cli(['verify', folder]);
    const printed = /the smallest atol that passes is (\S+)/.exec(stdout)![1];
    expect((await cli(['verify', folder, '--atol', printed])).code).toBe(0);
    const [digits, power] = Number(printed).toExponential(1).split('e');
    const below = `${(Number(digits) * 10 - 1).toFixed(0)}e${Number(power) - 1}`;
    expect((await cli(['verify', folder, '--atol', below])).code).not.toBe(0);
  });

  test.each(good)('%s: also where it is parity', async (name) => {
    const folder = path.join('samples', name);
    const { stdout } = await cli(['verify', folder]);
    const printed = /atol (\S+) would do/.exec(stdout)![1];
    expect((await cli(['verify', folder, '--atol', printed])).code).toBe(0);
  });
});

test('samples are small', () => {
  const sizes = fs
    .readdirSync(SAMPLES, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => fs.statSync(path.join(entry.parentPath, entry.name)).size);
  expect(sizes.reduce((a, b) => a + b)).toBeLessThan(500_000);
});
