import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { cli, SAMPLES } from '../cli.js';

// Builds that compile and compute, but wrongly: every sum of two float64 is a difference.
vi.mock('../../src/engine/kernels/binaries.js', async (original) => {
  const { BINARIES } = await original<typeof import('../../src/engine/kernels/binaries.js')>();
  const spoilt = Object.entries(BINARIES).map(([name, text]) => {
    const binary = Buffer.from(text, 'base64').toString('latin1');
    const wrong = binary.replaceAll('\xfd\xf0\x01', '\xfd\xf1\x01');
    return [name, Buffer.from(wrong, 'latin1').toString('base64')];
  });
  return { BINARIES: Object.fromEntries(spoilt) };
});

test('kernels that compute wrongly are not used, and the report says so', async () => {
  const argv = ['verify', path.join(SAMPLES, 'lstm'), '--verbose'];
  const right = await cli(argv);
  const fallen = await cli(argv, { env: { CELLCHECK_KERNELS: 'simd' } });
  expect(fallen.code).toBe(0);
  expect(fallen.stderr).toMatch(/plain kernels/);
  expect(fallen.stdout.replaceAll(/\s+/g, ' ')).toMatch(
    /the simd kernels give wrong numbers on this machine \(a product of 1 rows \(many\) is off by \d\S+\), so plainer ones were used/,
  );
  // The numbers are those of plain kernels.
  const table = (text: string) => text.split('\n').filter((line) => /\d {2}/.test(line));
  expect(table(fallen.stdout)).toEqual(table(right.stdout));
  // In float32 nothing was spoilt.
  const single = await cli([...argv, '--compute', 'float32'], { env: { CELLCHECK_KERNELS: 'simd' } });
  expect(single.stderr).toMatch(/simd kernels, float32/);
});
