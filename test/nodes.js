// Runs on every other supported Node what depends on it: the samples, the kernels, threads, the program in a process of
// its own, and a large case. Each Node is an npm package; their reports are coverage/node-<version>.json.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const VERSIONS = ['20', '22', '24', '26'];
const TESTS = [
  'test/samples.test.ts',
  'test/engine',
  'test/threads',
  'test/bin.test.ts',
  'test/large.test.ts',
];

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const own = process.versions.node.split('.')[0];
for (const version of VERSIONS.filter((one) => one !== own)) {
  const folder = path.join('node_modules', '.nodes', version);
  // What the package `node` installs in its place, by a script that npm may not run.
  const name = `node-${process.platform}-${process.arch}`;
  const node = path.join(folder, 'node_modules', name, 'bin', 'node');
  if (!fs.existsSync(node)) {
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(path.join(folder, 'package.json'), '{ "private": true }');
    const argv = ['install', '--prefix', folder, '--no-audit', '--no-fund', `${name}@${version}`];
    execFileSync('npm', argv, { stdio: 'inherit' });
  }
  console.log(execFileSync(node, ['--version'], { encoding: 'utf8' }).trim());
  const argv = [
    ...['node_modules/vitest/vitest.mjs', 'run', '--project', 'unit'],
    `--outputFile.json=coverage/node-${version}.json`,
  ];
  const { status } = spawnSync(node, [...argv, ...TESTS], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
