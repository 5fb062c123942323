/**
 * What cellcheck says of the references of make_references.py, as a Markdown table.
 *
 *     node test/gpu/judge.js FOLDER        the folder that their tar was unpacked into
 */
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { readTensors } from '../../dist/src/index.js';
import { judged, randomFrom } from '../engines/judge.js';

const [folder] = process.argv.slice(2);
/** @type {Record<string, { count: number, parity: number, cudnn: number, tf32: number, ill: number, other: number, found: number, shows: boolean }>} */
const rows = {};
const random = randomFrom(1);

for (const name of fs
  .readdirSync(folder)
  .filter((each) => /^\d.*\.safetensors$/.test(each))
  .sort()) {
  const bytes = fs.readFileSync(path.join(folder, name));
  const file = readTensors(bytes, name);
  const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE())).toString());
  const { module, nonlinearity, precision, cudnn } = header.__metadata__;
  const tensors = Object.fromEntries(file.load([...file.specs.keys()]));
  const spec = { kind: module, nonlinearity };
  const { verdict, coarser, tensors: compared } = await judged(spec, tensors);
  const key = `${precision} | ${cudnn === 'off' ? '' : 'cuDNN'}`;
  rows[key] ??= { count: 0, parity: 0, cudnn: 0, tf32: 0, ill: 0, other: 0, found: 0, shows: false };
  const row = rows[key];
  row.count++;
  if (verdict === 'parity' && compared[0].auto?.profile === 'cudnn') row.cudnn++;
  else if (verdict === 'parity') row.parity++;
  else if (verdict === 'ill-conditioned') row.ill++;
  else if (coarser === 'tf32') row.tf32++;
  else row.other++;
  // A thousandth is less than 16 bits can show.
  row.shows = tensors.output.dtype === 'F32';
  if (row.shows && (await judged(spec, tensors, { change: 1e-3, random })).verdict === 'differs') row.found++;
}

console.log(
  '| precision | | references | parity | by `cudnn` | TF32, named | ill-conditioned | others | found, ε = 0.001 |',
);
console.log('| --- | --- | --- | --- | --- | --- | --- | --- | --- |');
for (const [key, { count, parity, cudnn, tf32, ill, other, found, shows }] of Object.entries(rows)) {
  const share = shows ? `${Math.round((1000 * found) / count) / 10} %` : '';
  console.log(`| ${key} | ${count} | ${parity} | ${cudnn} | ${tf32} | ${ill} | ${other} | ${share} |`);
}
