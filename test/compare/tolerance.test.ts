import { expect, test } from 'vitest';
import { printedTolerances, resolveTolerance, type ToleranceOption } from '../../src/compare/tolerance.js';
import type { ReportedTensor } from '../../src/report/reported.js';
import { isDefault, sourceText } from '../../src/report/tolerance-text.js';

const COMMAND = { kind: 'caller' } as const;
const CASE = { kind: 'case' } as const;
const FLOAT32 = { kind: 'dtype', dtype: 'float32' } as const;

test('tolerances: one output on the command line, all of them, the case’s for one, the case’s, the default', () => {
  const command = { source: COMMAND, atol: 1, c_n: { rtol: 2 } };
  const own = { source: CASE, rtol: 3, c_n: { rtol: 4, atol: 5 }, h_n: { rtol: 6 } };
  expect(resolveTolerance('c_n', 'F32', [command, own])).toEqual({
    rtol: 2,
    atol: 1,
    source: { rtol: COMMAND, atol: COMMAND },
  });
  expect(resolveTolerance('h_n', 'F32', [command, own])).toEqual({
    rtol: 6,
    atol: 1,
    source: { rtol: CASE, atol: COMMAND },
  });
  expect(resolveTolerance('c_n', 'F32', [own])).toEqual({
    rtol: 4,
    atol: 5,
    source: { rtol: CASE, atol: CASE },
  });
  expect(resolveTolerance('output', 'F32', [own])).toMatchObject({
    rtol: 3,
    atol: 1e-5,
    source: { rtol: CASE, atol: FLOAT32 },
  });
  expect(resolveTolerance('output', 'F32', [])).toEqual({
    rtol: 1.3e-6,
    atol: 1e-5,
    source: { rtol: FLOAT32, atol: FLOAT32 },
  });
  expect(resolveTolerance('output', 'F64', [])).toEqual({
    rtol: 1e-7,
    atol: 1e-7,
    source: {
      rtol: { kind: 'dtype', dtype: 'float64' },
      atol: { kind: 'dtype', dtype: 'float64' },
    },
  });
  expect(resolveTolerance('output', 'F16', [])).toMatchObject({ rtol: 2e-3, atol: 2e-3 });
  expect(resolveTolerance('output', 'BF16', [])).toMatchObject({ rtol: 2e-2, atol: 2e-2 });
});

test('a layer’s output has the tolerance of the whole output', () => {
  const command = { source: COMMAND, output: { rtol: 1 }, h_n: { rtol: 2 } };
  expect(resolveTolerance('output_l0', 'F32', [command])).toMatchObject({ rtol: 1 });
  expect(resolveTolerance('h_n', 'F32', [command])).toMatchObject({ rtol: 2 });
  expect(resolveTolerance('c_n', 'F32', [command])).toMatchObject({ rtol: 1.3e-6 });
});

test('a tolerance of which one half was stated is not the default', () => {
  const isUsual = (stated: ToleranceOption) => {
    const tolerance = resolveTolerance('output', 'F32', [{ source: COMMAND, ...stated }]);
    const source = sourceText(tolerance, 'from the command line');
    return isDefault({ dtype: 'float32', tolerance: { ...tolerance, source } } as ReportedTensor);
  };
  for (const stated of [{ rtol: 1 }, { atol: 1 }, { rtol: 0 }, { rtol: 1, atol: 1 }])
    expect(isUsual(stated)).toBe(false);
  expect(isUsual({})).toBe(true);
});

test('who states a tolerance is said in words, once where both halves are stated by one', () => {
  const words = (...stated: Parameters<typeof resolveTolerance>[2]) =>
    sourceText(resolveTolerance('output', 'F32', stated), 'from the command line');
  expect(words()).toBe('float32 default');
  expect(words({ source: COMMAND, rtol: 1, atol: 1 })).toBe('from the command line');
  expect(words({ source: CASE, rtol: 1 })).toBe('rtol of the case, atol float32 default');
  expect(words({ source: { kind: 'case', reason: 'drift' }, rtol: 1, atol: 1 })).toBe('of the case: drift');
  expect(words({ source: { kind: 'printed', decimals: 1 }, rtol: 0, atol: 1 })).toBe('1 printed decimal');
  expect(words({ source: { kind: 'printed', decimals: 4 }, rtol: 0, atol: 1 })).toBe('4 printed decimals');
});

test('printed numbers have five times what the last decimal may be off by, and no part of a value', () => {
  expect(printedTolerances(undefined)).toEqual([]);
  expect(printedTolerances({ decimals: 4, halfUnits: Float64Array.of(0, 0.00005, 0.00001) })).toEqual([
    { rtol: 0, atol: 0.00025, source: { kind: 'printed', decimals: 4 } },
  ]);
  // Of two digits, as it is printed.
  expect(printedTolerances({ decimals: 1, halfUnits: Float64Array.of(0.0333) })).toMatchObject([
    { atol: 0.17, source: { kind: 'printed', decimals: 1 } },
  ]);
});
