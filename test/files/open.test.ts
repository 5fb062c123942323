import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openTensors } from '../../src/files/contents.js';
import { withFile } from '../../src/files/open.js';
import { scratch } from '../cli.js';
import { lstmBundle, type RawTensor, raw, writeSafetensors } from '../write.js';

test('a file that becomes shorter while it is read is an error, wherever it ends', () => {
  const file = path.join(scratch(), 'x.json');
  fs.writeFileSync(file, 'x'.repeat(100));
  const read = () =>
    withFile(file, 'x.json', ({ size, read }) => {
      fs.truncateSync(file, 40);
      read(new Uint8Array(size), 0);
    });
  expect(read).toThrow('x.json: became shorter while it was read');
});

test('a file that changes between its header and its tensors is an error', () => {
  const file = path.join(scratch(), 'x.safetensors');
  // A small file is read whole.
  const large = raw([20_000], new Float32Array(20_000));
  const before: Record<string, RawTensor> = { ...lstmBundle(), large };
  const after = { ...before };
  after.h_n = { ...after.h_n, bytes: after.h_n.bytes.map(() => 0) };
  writeSafetensors(file, before);
  const tensors = openTensors(file, 'x.safetensors');
  fs.truncateSync(file, 500);
  expect(() => tensors.load(['h_n'])).toThrow('x.safetensors: changed while it was read');
  writeSafetensors(file, after);
  fs.utimesSync(file, 1, 1);
  expect(() => tensors.load(['h_n'])).toThrow('x.safetensors: changed while it was read');
});
