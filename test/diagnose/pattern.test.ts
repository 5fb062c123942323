import { describe, expect, test } from 'vitest';
import { patternOf } from '../../src/diagnose/pattern.js';
import type { Module } from '../../src/module/parameters.js';
import type { Reference } from '../../src/tensor/reference.js';
import type { ComparedTensor } from '../../src/verdict/run.js';
import { moduleOf } from '../engine/module.js';
import { networkOf, sequenceOf } from '../engine/random-network.js';
import { boundOf } from './bound.js';

interface At {
  readonly step: number;
  readonly row: number;
  readonly unit: number;
}

interface Said {
  readonly module?: Partial<Module>;
  readonly steps?: number;
  readonly batch?: number;
  readonly lengths?: readonly number[];
  readonly forced?: boolean;
}

/** A tensor that is off where `isOff` says so. */
function compared(reference: Reference, isOff: (at: At) => boolean, forced = true): ComparedTensor {
  const { batch, units, data } = reference;
  const faults = Uint8Array.from(data, (_, i) =>
    isOff({ step: Math.floor(i / (batch * units)), row: Math.floor(i / units) % batch, unit: i % units })
      ? 1
      : 0,
  );
  return { reference, judgement: { faults, forced, reference } } as unknown as ComparedTensor;
}

function caseOf({ module: said = {}, steps = 6, batch = 4, lengths }: Said) {
  const module = moduleOf('GRU', { hidden_size: 5, ...said });
  const network = networkOf(module, 1);
  const sequence = { ...sequenceOf(module, steps, batch, 2), lengths };
  const ways = module.bidirectional ? 2 : 1;
  const output = new Float64Array(steps * batch * 5 * ways);
  const h_n = new Float64Array(module.num_layers * ways * batch * 5);
  return boundOf(network, sequence, { output, h_n });
}

function pattern(isOff: (at: At) => boolean, said: Said = {}) {
  const boundCase = caseOf(said);
  return patternOf(boundCase, [compared(boundCase.references[0], isOff, said.forced)]);
}

const says = (isOff: (at: At) => boolean, said?: Said) => pattern(isOff, said)?.says;

describe('steps', () => {
  test.each<[string, (at: At) => boolean]>([
    ['only step 0 does not follow; steps 1 to 5 do', ({ step }) => step === 0],
    ['steps 0, 1 follow; from step 2 on none does', ({ step }) => step >= 2],
    ['step 0 follows; from step 1 on none does', ({ step }) => step > 0],
    [
      'every 2nd step from step 1 on does not follow (1, 3, 5, …); the others do',
      ({ step }) => step % 2 === 1,
    ],
    ['steps 1, 2 do not follow; steps 0, 3 to 5 do', ({ step }) => step === 1 || step === 2],
  ])('%s', (sentence, isOff) => {
    expect(says(isOff)).toEqual([sentence]);
  });

  test('every third of many', () => {
    expect(says(({ step }) => step > 0 && step % 3 === 0, { steps: 12 })).toEqual([
      'every 3rd step from step 3 on does not follow (3, 6, 9, …); the others do',
    ]);
  });
});

describe('batch rows', () => {
  test.each<[string, (at: At) => boolean]>([
    ['batch rows 0 to 2 follow in every step, row 3 in none', ({ row }) => row === 3],
    ['batch row 0 follows in every step, rows 1 to 3 in none', ({ row }) => row > 0],
    [
      'batch rows 0, 1 follow in every step, rows 2, 3 do not in steps 4, 5',
      ({ row, step }) => row > 1 && step > 3,
    ],
  ])('%s', (sentence, isOff) => {
    expect(says(isOff)).toEqual([sentence]);
  });

  test('beyond a place in memory', () => {
    const found = pattern(({ step, row }) => 4 * step + row >= 14);
    expect(found?.says).toEqual([
      'all follows up to step 3 [batch 2], and hardly anything after it, in the order of memory',
    ]);
    expect(found?.fromPlace).toEqual([3, 2]);
  });
});

describe('units and directions', () => {
  test.each<[string, (at: At) => boolean]>([
    ['only unit 3 is off; the other 4 follow everywhere', ({ unit }) => unit === 3],
    ['unit 0 follows everywhere, the others do not', ({ unit }) => unit > 0],
  ])('%s', (sentence, isOff) => {
    expect(says(isOff)).toEqual([sentence]);
  });

  test('one direction', () => {
    expect(says(({ unit }) => unit >= 5, { module: { bidirectional: true } })).toEqual([
      'the forward direction follows; only the reverse one does not',
    ]);
  });
});

describe('padding', () => {
  const lengths = [6, 4, 2, 5];
  test('alone', () => {
    expect(pattern(({ step, row }) => step >= lengths[row], { lengths })).toEqual({
      says: ['every step within the lengths follows; only the padding differs'],
      onlyPadding: true,
    });
  });
  test('beside other steps is not what is said', () => {
    expect(
      pattern(({ step, row }) => step >= lengths[row] || step === 1, { lengths })?.onlyPadding,
    ).toBeUndefined();
  });
});

test('indices are there where others follow', () => {
  expect(pattern(({ step, row, unit }) => step > 3 && row === 1 && unit < 2)).toMatchObject({
    steps: [4, 5],
    rows: [1],
    units: [0, 1],
  });
  const all = pattern(() => true)!;
  expect([all.steps, all.rows, all.units]).toEqual([undefined, undefined, undefined]);
  expect(all.says).toEqual([]);
});

test('here and there is no pattern', () => {
  expect(says(({ step, row, unit }) => (7 * step + 5 * row + 3 * unit) % 13 === 0)).toEqual([]);
});

test('an output that agrees, or was not judged step by step, has none', () => {
  expect(pattern(() => false)).toBeUndefined();
  expect(pattern(() => true, { forced: false })).toBeUndefined();
});

describe('layers', () => {
  const module = { num_layers: 3 };
  /** With final states that are off from a layer on, or with the output of lower layers. */
  const layered = (offFrom: number) => {
    const boundCase = caseOf({ module });
    const [output, h_n] = boundCase.references;
    const states = compared(h_n, ({ step: state }) => state >= offFrom, false);
    return patternOf(boundCase, [compared(output, () => true), states])?.says.at(-1);
  };

  test('whose final states agree lie below the fault', () => {
    expect(layered(1)).toContain('the final states of layer 0 agree: what goes into layer 1 is wrong');
    expect(layered(2)).toContain('the final states of layers 0, 1 agree: what goes into layer 2 is wrong');
    expect(layered(0)).toContain("layer 0's final states differ already");
  });

  test('of which nothing is known may all be at fault', () => {
    expect(says(() => true, { module })?.at(-1)).toContain('what goes into layer 2 is not in the case');
  });

  test('whose outputs are known follow or do not, each from what goes in', () => {
    const boundCase = caseOf({ module });
    const [output] = boundCase.references;
    const lower = { ...output, name: 'output_l0' as const, axes: { ...output.axes, layer: 0 } };
    const tensors = [compared(lower, () => true), compared(output, () => false)];
    expect(patternOf(boundCase, tensors)?.says).toEqual([
      'layer 0 does not follow from what goes in; layer 2 does',
    ]);
    const both = [compared(lower, () => false), compared(output, () => true)];
    expect(patternOf(boundCase, both)?.says.at(-1)).toBe(
      'layer 2 does not follow from what goes in; layer 0 does',
    );
  });
});
