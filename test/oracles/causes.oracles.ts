import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';
import { allowances } from '../../src/diagnose/conventions/allowance.js';
import { hypothesesFor } from '../../src/diagnose/conventions/hypotheses.js';
import { predict } from '../../src/diagnose/conventions/predict.js';
import type { Predicted } from '../../src/diagnose/conventions/predicted.js';
import { type Fit, type Search, searchPairs, searchSingles } from '../../src/diagnose/conventions/search.js';
import type { Variant } from '../../src/diagnose/conventions/variant.js';
import { KINDS, type Kind } from '../../src/kinds.js';
import type { BoundCase, Network, Sequence } from '../../src/module/bind.js';
import { pythonWithTorch } from '../live/python.js';

const SEED = process.env.LIVE_SEED ?? String(Date.now() % 1_000_000);
const SEEDS = Number(process.env.CAUSES_SEEDS ?? 1);
const PAIRS = Number(process.env.CAUSES_PAIRS ?? 4);

type Nested = number | Nested[];
type Flags = Readonly<Record<string, string | number>>;
interface Truth {
  readonly name: string;
  readonly flags: Flags;
  readonly y: Nested;
}
interface OracleCase {
  readonly kind: Kind;
  readonly regime: string;
  readonly layers: Nested[][][];
  readonly x: Nested[][][];
  readonly h0: Nested;
  readonly c0: Nested;
  readonly hypotheses: readonly Truth[];
  readonly pairs: readonly Truth[];
}

const floats = (nested: Nested) => Float64Array.from([nested].flat(9) as number[]);

/** The variants that the prototype's flags stand for. */
const MEANING: Readonly<Record<string, (value: string | number) => Variant>> = {
  order: (value) => ({ order: String(value) }),
  what: (value) => ({
    orderOf: ({ W: 'weights', Whh: 'weight_hh', Wih: 'weight_ih', b: 'biases' } as const)[value as 'W'],
  }),
  inter: () => ({ interleaved: true }),
  hsig: (value) => ({ gateActivation: value === 'keras' ? 'hard 0.2' : 'hard 1/6' }),
  bias: (value) => ({
    biases: (
      { ih: 'ih', hh: 'hh', none: 'none', dbl: 'doubled', swap: 'exchanged', ihx2: 'ih twice' } as const
    )[value as 'ih'],
  }),
  act: (value) => ({ activation: value === 'linear' ? 'identity' : (value as 'relu') }),
  reset: (value) => ({
    reset: ({ before: 'before', bhn_outside: 'without bias', none: 'none', r_outer: 'all' } as const)[
      value as 'before'
    ],
  }),
  zswap: () => ({ updateExchanged: true }),
  fbias: (value) => ({ forgetBias: Number(value) }),
  coupled: (value) => ({ coupled: value === 'i=1-f' ? 'i = 1 − f' : 'f = 1 − i' }),
  fnone: () => ({ forget: 'none' }),
  outact: () => ({ activationOf: ['c', 'identity'] }),
  carry: (value) => ({ carry: ({ none: 'none', noc: 'no c', noh: 'no h' } as const)[value as 'none'] }),
  state: (value) =>
    (
      ({
        'h0=0': { state: 'h_0 = 0' },
        'c0=0': { state: 'c_0 = 0' },
        both0: { state: 'both 0' },
        swap: { state: 'exchanged' },
        'c0=h0': { state: 'c_0 = h_0' },
        idx: { stateOrder: 'direction first' },
        layer0all: { stateOrder: 'first for all' },
      }) as const
    )[value as 'h0=0'],
  WhhT: (value) => ({ weightHh: value === 'block' ? 'transposed' : 'reshaped' }),
  WihT: (value) => ({ weightIh: value === 'block' ? 'transposed' : 'reshaped' }),
  axes: () => ({ axes: 'exchanged' }),
  xrev: () => ({ inputOrder: 'reversed' }),
  yrev: () => ({ outputOrder: 'reversed' }),
  tshift: (value) =>
    String(value)[0] === 'x'
      ? { inputShift: value === 'x+1' ? 'early' : 'late' }
      : { outputShift: value === 'y-1' ? 'early' : 'late' },
  stateful: () => ({ stateful: true }),
  bout: () => ({ batchOrder: 'reversed' }),
  bi: (value) => ({
    reverse: (
      {
        concat_swapped: 'written first',
        interleave: 'interleaved',
        notrereversed: 'in its own order',
        fwdfwd: 'forward too',
        sameW: 'weights of forward',
        swapW: 'weights exchanged',
      } as const
    )[value as 'interleave'],
  }),
  layers: (value) => ({ layers: value === 'first' ? 'first only' : 'first shared' }),
  qw: (value) => ({ quantised: ({ f16: 'F16', bf16: 'BF16', int8: 'int8' } as const)[value as 'f16'] }),
  tf32: () => ({ operands: 'tf32' }),
};

function variantOf(flags: Flags): Variant {
  return Object.assign({}, ...Object.entries(flags).map(([flag, value]) => MEANING[flag](value)));
}

function caseOf({ kind, layers, x, h0, c0 }: OracleCase): { network: Network; sequence: Sequence } {
  const gates = KINDS[kind].gates.length;
  const first = layers[0][0] as Nested[][];
  return {
    network: {
      module: {
        kind,
        cell: false,
        nonlinearity: 'tanh',
        prefix: '',
        input_size: (x[0][0] as Nested[]).length,
        hidden_size: first[1].length / gates,
        proj_size: 0,
        num_layers: layers.length,
        bidirectional: layers[0].length > 1,
        bias: true,
      },
      layers: layers.map((perDirection) =>
        perDirection.map(([weightIh, weightHh, biasIh, biasHh]) => ({
          weightIh: floats(weightIh),
          weightHh: floats(weightHh),
          biasIh: floats(biasIh),
          biasHh: floats(biasHh),
        })),
      ),
    },
    sequence: {
      steps: x.length,
      batch: x[0].length,
      input: floats(x),
      h0: floats(h0),
      c0: kind === 'LSTM' ? floats(c0) : undefined,
    },
  };
}

async function searchOf(
  network: Network,
  sequence: Sequence,
  base: Predicted,
  y: Float64Array,
): Promise<Search> {
  const { steps, batch } = sequence;
  const reference = {
    name: 'output' as const,
    dtype: 'F32' as const,
    rows: steps,
    batch,
    units: y.length / steps / batch,
    data: Float32Array.from(y),
  };
  const boundCase = { network, sequence, references: [reference] } as unknown as BoundCase;
  return { boundCase, base, allowances: await allowances(boundCase, undefined) };
}

function apart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < b.length; i++) most = Math.max(most, Math.abs(a[i] - b[i]));
  return most;
}

const same = (a: Variant, b: Variant) => {
  const text = (variant: Variant) =>
    JSON.stringify(
      Object.entries(variant)
        .filter(([, value]) => value !== undefined)
        .sort(),
    );
  return text(a) === text(b);
};
const changeOf = ({ hypotheses }: Fit): Variant =>
  Object.assign({}, ...hypotheses.map(({ change }) => change));

/** The largest difference from the prototype. Its float16 lacks subnormal numbers, which are 6e-8 apart. */
const exactness = ({ qw }: Flags) => (qw === 'f16' ? 1e-6 : 1e-11);

/** Conventions whose predictions differ by less cannot be told apart. */
const SAME = 1e-6;

function* oracleCases(): Generator<OracleCase> {
  console.log(`LIVE_SEED=${SEED}`);
  const argv = [
    path.join(import.meta.dirname, 'causes.py'),
    process.env.CELLCHECK_ORACLES!,
    String(SEEDS),
    SEED,
    String(PAIRS),
  ];
  const text = execFileSync(pythonWithTorch(), argv, { encoding: 'utf8', maxBuffer: 2 ** 30 });
  for (const line of text.trim().split('\n')) yield JSON.parse(line) as OracleCase;
}

test('every wrong convention is found, with all that look like it, alone and two at once', async () => {
  const counts = { truths: 0, inert: 0, unique: 0, ties: 0, pairs: 0, pairsBySingles: 0 };
  for (const one of oracleCases()) {
    const { network, sequence } = caseOf(one);
    const base = predict(network, sequence, {});
    const known = hypothesesFor(network.module, sequence);
    const all = known.map((hypothesis) => ({
      hypothesis,
      y: predict(network, sequence, hypothesis.change).output,
    }));
    for (const { name, flags, y: nested } of one.hypotheses) {
      const what = `${one.kind} ${one.regime} ${one.layers.length}: ${name}`;
      const y = floats(nested);
      const change = variantOf(flags);
      expect(apart(predict(network, sequence, change).output, y), what).toBeLessThan(exactness(flags));
      if (name === 'correct') continue;
      counts.truths++;
      const search = await searchOf(network, sequence, base, y);
      const found = await searchSingles(search);
      if (apart(base.output, y) < search.allowances[0].largest) {
        counts.inert++;
        continue;
      }
      const names = found.fits.flatMap(({ hypotheses }) => hypotheses.map((fit) => fit.name));
      const truth = known.find((hypothesis) => same(hypothesis.change, change));
      expect(truth, what).toBeDefined();
      expect(names, what).toContain(truth!.name);
      const alike = all
        .filter(({ y: other }) => apart(other, y) < SAME)
        .map(({ hypothesis }) => hypothesis.name);
      expect(names, what).toEqual(expect.arrayContaining(alike));
      counts[names.length === 1 ? 'unique' : 'ties']++;
    }
    for (const { name, flags, y: nested } of one.pairs) {
      const what = `${one.kind} ${one.regime} ${one.layers.length}: ${name}`;
      const y = floats(nested);
      const change = variantOf(flags);
      expect(apart(predict(network, sequence, change).output, y), what).toBeLessThan(exactness(flags));
      counts.pairs++;
      const search = await searchOf(network, sequence, base, y);
      if (apart(base.output, y) < search.allowances[0].largest) continue;
      const singles = await searchSingles(search);
      if (singles.fits.length) {
        counts.pairsBySingles++;
        continue;
      }
      const { fits } = await searchPairs(search, []);
      expect(
        fits.some((fit) => same(changeOf(fit), change)),
        what,
      ).toBe(true);
    }
  }
  console.log(JSON.stringify(counts));
  expect(counts.truths).toBeGreaterThan(1000);
}, 3_600_000);
