import { expect, test } from 'vitest';
import { printedTolerances, resolveTolerance } from '../../src/compare/tolerance.js';

test('tolerances: one output on the command line, all of them, the case’s for one, the case’s, the default', () => {
  const command = { source: 'command', atol: 1, c_n: { rtol: 2 } };
  const own = { source: 'case', rtol: 3, c_n: { rtol: 4, atol: 5 }, h_n: { rtol: 6 } };
  expect(resolveTolerance('c_n', 'F32', [command, own])).toEqual({
    rtol: 2,
    atol: 1,
    source: 'command',
    usual: false,
  });
  expect(resolveTolerance('h_n', 'F32', [command, own])).toEqual({
    rtol: 6,
    atol: 1,
    source: 'rtol case, atol command',
    usual: false,
  });
  expect(resolveTolerance('c_n', 'F32', [own])).toEqual({ rtol: 4, atol: 5, source: 'case', usual: false });
  expect(resolveTolerance('output', 'F32', [own])).toMatchObject({
    rtol: 3,
    atol: 1e-5,
    source: 'rtol case, atol float32 default',
  });
  expect(resolveTolerance('output', 'F32', [])).toEqual({
    rtol: 1.3e-6,
    atol: 1e-5,
    source: 'float32 default',
    usual: true,
  });
  expect(resolveTolerance('output', 'F64', [])).toEqual({
    rtol: 1e-7,
    atol: 1e-7,
    source: 'float64 default',
    usual: true,
  });
  expect(resolveTolerance('output', 'F16', [])).toMatchObject({ rtol: 2e-3, atol: 2e-3 });
  expect(resolveTolerance('output', 'BF16', [])).toMatchObject({ rtol: 2e-2, atol: 2e-2 });
});

test('a layer’s output has the tolerance of the whole output', () => {
  const command = { source: 'command', output: { rtol: 1 }, h_n: { rtol: 2 } };
  expect(resolveTolerance('output_l0', 'F32', [command])).toMatchObject({ rtol: 1 });
  expect(resolveTolerance('h_n', 'F32', [command])).toMatchObject({ rtol: 2 });
  expect(resolveTolerance('c_n', 'F32', [command])).toMatchObject({ rtol: 1.3e-6 });
});

test('a tolerance of which one half was asked for is not the usual one', () => {
  for (const said of [{ rtol: 1 }, { atol: 1 }, { rtol: 0 }, { rtol: 1, atol: 1 }])
    expect(resolveTolerance('output', 'F32', [{ source: 'command', ...said }]).usual).toBe(false);
  expect(resolveTolerance('output', 'F32', [{ source: 'command' }]).usual).toBe(true);
});

test('printed numbers have five times what the last decimal may be off by, and no part of a value', () => {
  expect(printedTolerances(undefined)).toEqual([]);
  expect(printedTolerances({ decimals: 4, halfUnits: Float64Array.of(0, 0.00005, 0.00001) })).toEqual([
    { rtol: 0, atol: 0.00025, source: '4 printed decimals' },
  ]);
  // Of two digits, as it is printed.
  expect(printedTolerances({ decimals: 1, halfUnits: Float64Array.of(0.0333) })).toMatchObject([
    { atol: 0.17, source: '1 printed decimal' },
  ]);
});
