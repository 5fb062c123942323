import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { REPORT_SCHEMA } from '../../schemas/report.js';
import { ROOT, SAMPLES } from '../cli.js';

// The CI sections of the documentation, followed from an empty repository: the commands of their steps are run here, as
// they stand there, in a project that has installed the packed package.
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cellcheck-action-'));
const project = path.join(folder, 'project');
let tarball: string;

const read = (file: string) => fs.readFileSync(path.join(ROOT, file), 'utf8');
const yamlIn = (file: string) =>
  [...read(file).matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text]) => text);

/** Commands of `run:` and `script:` that call cellcheck. */
const commandsIn = (text: string) =>
  [...text.matchAll(/^\s*- (?:run: )?(npx cellcheck .*)$/gm)].map(([, command]) => command);

function bash(command: string, cwd: string, env: Record<string, string> = {}) {
  const { FORCE_COLOR: _, ...own } = process.env;
  const { status, stdout, stderr } = spawnSync('bash', ['-e', '-c', command], {
    cwd,
    encoding: 'utf8',
    env: { ...own, ...env },
  });
  return { status, stdout, stderr };
}

beforeAll(() => {
  const argv = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder];
  tarball = path.join(folder, execFileSync('npm', argv, { cwd: ROOT, encoding: 'utf8' }).trim());
  for (const name of ['lstm', 'gru', 'gru-lengths', 'rnn-basic'])
    fs.cpSync(path.join(SAMPLES, name), path.join(project, 'exports', name), { recursive: true });
  fs.writeFileSync(path.join(project, 'package.json'), '{ "private": true }');
  execFileSync('git', ['init', '-q'], { cwd: project });
  execFileSync('npm', ['install', '--no-audit', '--no-fund', tarball], { cwd: project, stdio: 'ignore' });
});

afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

test('the README: its configuration and its workflow', () => {
  const [, config] = /^```json\n(\{ "cases"[\s\S]*?)^```$/m.exec(read('README.md'))!;
  fs.writeFileSync(path.join(project, 'cellcheck.config.json'), config);
  const commands = yamlIn('README.md').flatMap(commandsIn);
  expect(commands).toEqual(['npx cellcheck verify']);
  const { status, stdout, stderr } = bash(commands[0], project, { CI: 'true' });
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toContain('4 parity, 0 differs (4 cases');
  expect(fs.readFileSync(path.join(project, 'report.xml'), 'utf8')).toContain(
    '<testsuite name="exports/lstm"',
  );
});

test('docs/ci.md: a matrix of GitHub Actions', () => {
  const [workflow] = yamlIn('docs/ci.md').filter((text) => text.includes('matrix:'));
  const [shard, merge] = commandsIn(workflow);
  const [, shards] = /shard: \[(.*)\]/.exec(workflow)!;
  const list = shards.split(', ');
  for (const index of list) {
    expect(bash(shard.replace(/\$\{\{ matrix.shard \}\}/, index), project).status).toBe(0);
    fs.mkdirSync(path.join(project, 'shards', `shard-${index}`), { recursive: true });
    fs.renameSync(
      path.join(project, 'shard.json'),
      path.join(project, 'shards', `shard-${index}`, 'shard.json'),
    );
  }
  const summary = path.join(folder, 'summary.md');
  fs.writeFileSync(summary, '');
  const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary };
  const { status, stdout } = bash(merge, project, env);
  expect(status).toBe(0);
  expect(stdout).toContain('4 parity, 0 differs (4 cases)');
  expect(fs.readFileSync(summary, 'utf8')).toMatch(/^### cellcheck: parity in all 4 cases/);
  fs.rmSync(path.join(project, 'shards'), { recursive: true });
});

test('docs/ci.md: GitLab', () => {
  const [pipeline] = yamlIn('docs/ci.md').filter((text) => text.includes('CI_NODE_INDEX'));
  const [shard, merge] = commandsIn(pipeline);
  const total = /parallel: (\d+)/.exec(pipeline)![1];
  fs.mkdirSync(path.join(project, 'shards'));
  for (let index = 1; index <= Number(total); index++) {
    const env = { CI_NODE_INDEX: String(index), CI_NODE_TOTAL: total };
    expect(bash(shard, project, env).status).toBe(0);
  }
  expect(bash(merge, project).status).toBe(0);
  expect(fs.readFileSync(path.join(project, 'report.xml'), 'utf8')).toContain(
    '<testsuite name="exports/gru"',
  );
  fs.rmSync(path.join(project, 'shards'), { recursive: true });
});

/** The commands of the action's steps, by their names. */
function stepsOf(action: string): Record<string, string> {
  return Object.fromEntries(
    action
      .split(/^ {4}- name: /m)
      .slice(1)
      .map((step) => {
        const [name] = step.split('\n');
        const [, block] = /^ {6}run: \|\n([\s\S]*)$/m.exec(step)!;
        return [name, block.replaceAll(/^ {8}/gm, '')];
      }),
  );
}

test('the action installs a package, and verifies what its inputs name', () => {
  const steps = stepsOf(read('action.yml'));
  // Without the configuration, whose reporters come before those of GitHub Actions.
  fs.renameSync(path.join(project, 'cellcheck.config.json'), path.join(project, 'other.json'));
  const summary = path.join(folder, 'action.md');
  fs.writeFileSync(summary, '');
  const env = { RUNNER_TEMP: folder, GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary };
  const installed = bash(steps['Install cellcheck'], project, { ...env, PACKAGE: tarball, SOURCE: ROOT });
  expect(installed.status).toBe(0);

  const verify = (inputs: Record<string, string>) =>
    bash(steps.Verify, project, { ...env, CASES: '', CONFIG: '', REPORTERS: '', SHARD: '', ...inputs });
  const named = verify({ CASES: 'exports/lstm\nexports/no such case\n' });
  expect(named.status).toBe(2);
  expect(named.stdout).toContain(
    '::error file=exports/no such case,title=cellcheck "exports/no such case"::',
  );
  const reported = verify({ CASES: 'exports/lstm', REPORTERS: 'table\njson=r.json\n' });
  expect(reported.status).toBe(0);
  const report = REPORT_SCHEMA.parse(JSON.parse(fs.readFileSync(path.join(project, 'r.json'), 'utf8')));
  expect(report.cases.map((one) => one.case)).toEqual(['exports/lstm']);
  const suite = verify({ CONFIG: 'other.json', SHARD: '1/2' });
  expect(suite.status).toBe(0);
  expect(suite.stdout).toContain('parity, 0 differs');
  // What stands in an input is no option and no command.
  const hostile = verify({ CASES: '--version\n$(touch owned)\n' });
  expect(hostile.status).toBe(2);
  expect(fs.existsSync(path.join(project, 'owned'))).toBe(false);
});
