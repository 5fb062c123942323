import fs from 'node:fs';
import { expect, test } from 'vitest';
import { expectPrototype, type PrototypeCase } from './prototype.js';

// test/oracles/ does the same over other networks every time, where the prototype is.
const CASES: PrototypeCase[] = JSON.parse(
  fs.readFileSync(new URL('../data/envelope.json', import.meta.url), 'utf8'),
);

test.each([...CASES.entries()])('the envelope is that of the prototype in numpy, case %i', (i, one) => {
  const compared = expectPrototype(one, `${i}`, i % 2 ? 'simd' : 'plain');
  expect(compared.length).toBeGreaterThan(7);
  for (const { values } of compared) expect(values).toBeLessThan(1e-9);
});
