import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { REPORT_SCHEMA } from '../../schemas/report.js';
import { cli, scratch } from '../cli.js';
import { readJson, writeJson } from '../write.js';
import { bundleOf, type Vector } from './convert.js';

const folder = process.env.CELLCHECK_VECTORS!;
const files = fs.readdirSync(folder).filter((name) => name.endsWith('.json'));

test('CELLCHECK_VECTORS names a folder that has vectors', () => {
  expect(files.length).toBeGreaterThan(0);
});

const READINGS = ['its decimals stated', 'nothing said'] as const;

test.each(files.flatMap((file) => READINGS.map((reading) => [file, reading] as const)))(
  '%s is as published, %s',
  async (file, reading) => {
    const vector = readJson(path.join(folder, file)) as unknown as Vector;
    const cwd = scratch();
    const bundle = await bundleOf(vector, reading === 'its decimals stated');
    writeJson(path.join(cwd, 'bundle.json'), bundle);
    const { stdout, stderr } = await cli(['verify', 'bundle.json', '--reporter', 'json'], { cwd });
    const [result] = REPORT_SCHEMA.parse(JSON.parse(stdout)).cases;
    expect(`${result.verdict} ${stderr}`).toBe(`${vector.expect ?? 'parity'} `);
    if (result.verdict === 'error') return;
    // All that was published was compared.
    const published = Object.keys(vector.expected).map((name) =>
      name === 'dense_of_output' ? 'output' : name,
    );
    expect(result.tensors.map(({ name }) => name).toSorted()).toEqual(published.toSorted());
    console.log(
      file,
      ...result.tensors.map(({ name, worst, rule }) => `${name} ${worst.difference} of ${rule.atol}`),
    );
  },
);
