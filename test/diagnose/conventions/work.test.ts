import { expect, test } from 'vitest';
import { fullWork, limitedWork, needsAllSteps } from '../../../src/diagnose/conventions/work.js';
import type { Kind } from '../../../src/kinds.js';
import type { Module } from '../../../src/module/parameters.js';
import { moduleOf } from '../../engine/module.js';
import { networkOf, sequenceOf } from '../../engine/random-network.js';
import { boundOf } from '../bound.js';

function caseOf(kind: Kind, more: Partial<Module>) {
  const module = moduleOf(kind, { input_size: 3, hidden_size: 4, ...more });
  return boundOf(networkOf(module, 1), sequenceOf(module, 10, 5, 1), {});
}

// A row of a GRU: 12 sums of 3 + 4 products, and 200 multiplications for each of 4 units.
const ROW = 12 * 7 + 800;
// A row of two layers in both directions: 12 sums of 3 + 4, then of 8 + 4, in each direction.
const DEEP_ROW = 2 * 12 * (7 + 12) + 4 * 800;

test('the work of a whole run is that of all its steps and rows', () => {
  expect(fullWork(caseOf('GRU', {}))).toBe(50 * ROW);
  expect(fullWork(caseOf('GRU', { num_layers: 2, bidirectional: true }))).toBe(50 * DEEP_ROW);
});

test('the work of the first steps is that of their rows, and one more', () => {
  const boundCase = caseOf('GRU', {});
  expect(limitedWork(boundCase, { steps: 2, rows: 1 })).toBe(3 * ROW);
  expect(limitedWork(boundCase, { steps: 20, rows: 9 })).toBe(51 * ROW);
});

test('a reverse direction above another layer needs all steps', () => {
  const deep = caseOf('GRU', { num_layers: 2, bidirectional: true });
  expect(limitedWork(deep, { steps: 2, rows: 1 })).toBe(11 * DEEP_ROW);
  expect(needsAllSteps(deep)).toBe(true);
  expect(needsAllSteps(caseOf('GRU', { num_layers: 2 }))).toBe(false);
  expect(needsAllSteps(caseOf('GRU', { bidirectional: true }))).toBe(false);
});
