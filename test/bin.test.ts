import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { cli, ROOT, scratch } from './cli.js';
import { raw, writeSafetensors } from './write.js';

// The real program in a process of its own, as `npm ci` built it.
const BIN = path.join(ROOT, 'bin', 'cellcheck.cjs');

function cellcheck(...argv: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, ...argv], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

test('exit codes 0, 1 and 2, without colour in a pipe', () => {
  const parity = cellcheck('verify', 'samples/lstm');
  expect(parity).toMatchObject({ status: 0, stderr: '' });
  expect(parity.stdout).toContain('\nparity    6 of 6 values');
  expect(parity.stdout).not.toContain('\u001b');
  expect(cellcheck('verify', 'samples/failing/lstm-swapped-gates').status).toBe(1);
  const error = cellcheck('verify', 'samples/nowhere');
  expect(error).toMatchObject({ status: 2, stdout: '' });
  expect(error.stderr).toMatch(/^cellcheck: samples\/nowhere: there is no such file or folder\n/);
  expect(cellcheck('--prefix').status).toBe(2);
});

test.skipIf(process.platform === 'win32')('a clone finds its program among its own commands', () => {
  const command = path.join(ROOT, 'node_modules', '.bin', 'cellcheck');
  expect(spawnSync(command, ['--version'], { encoding: 'utf8' }).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('a reader that goes away early gets what it asked for, and the exit code says that it was not all', () => {
  const many = 'samples samples/failing/* '.repeat(20);
  const shell = `"${process.execPath}" "${BIN}" verify ${many} --all-steps | head -1; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', shell], { cwd: ROOT, encoding: 'utf8' });
  expect(stdout).toBe('\n2\n');
  expect(stderr).toBe('cellcheck: stdout was closed before the report was written\n');
});

test('a report to a file is complete where stdout fails', () => {
  for (const end of [`| head -1; echo "\${PIPESTATUS[0]}"`, '> /dev/full; echo $?']) {
    const cwd = scratch();
    const cases = `"${ROOT}/samples" "${ROOT}/samples/failing" `.repeat(5);
    const argv = `verify ${cases} --all-steps --reporter table --reporter json=r.json`;
    const shell = `"${process.execPath}" "${BIN}" ${argv} ${end}`;
    const { stdout, stderr } = spawnSync('bash', ['-c', shell], { cwd, encoding: 'utf8' });
    expect(stdout.trim()).toBe('2');
    expect(stderr.match(/cellcheck: stdout (?:was closed|cannot be written)/g)).toHaveLength(1);
    const { summary } = JSON.parse(fs.readFileSync(path.join(cwd, 'r.json'), 'utf8'));
    expect(summary).toMatchObject({ parity: 140, differs: 25, no_verdict: 0 });
  }
});

test('a report that fails on the way does not keep the others from being written', () => {
  const cwd = scratch();
  const argv = ['verify', path.join(ROOT, 'samples'), '--reporter', 'table', '--reporter', 'json=/dev/full'];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [BIN, ...argv, '--reporter', 'junit=r.xml'],
    { cwd, encoding: 'utf8' },
  );
  expect(status).toBe(2);
  expect(stderr).toBe('cellcheck: /dev/full: cannot be written (ENOSPC)\n');
  expect(stdout).toMatch(/28 parity, 0 differs \(28 cases/);
  expect(fs.readFileSync(path.join(cwd, 'r.xml'), 'utf8')).toMatch(/<\/testsuites>\n$/);
});

test('a report that cannot be written is exit 2, to stdout too', () => {
  const { stdout, stderr } = spawnSync(
    'bash',
    ['-c', `"${process.execPath}" "${BIN}" verify samples/lstm > /dev/full; echo $?`],
    { cwd: ROOT, encoding: 'utf8' },
  );
  expect(stdout).toBe('2\n');
  expect(stderr).toBe('cellcheck: stdout cannot be written (ENOSPC)\n');
});

test.skipIf(process.platform === 'win32')('a working folder that is gone is said', () => {
  const run = (argv: string) =>
    spawnSync('bash', ['-c', `d=$(mktemp -d); cd $d; rmdir $d; "${process.execPath}" "${BIN}" ${argv}`], {
      encoding: 'utf8',
    });
  for (const command of ['verify', 'diagnose', `diff "${ROOT}/samples/gru"`, 'inspect', 'list']) {
    const { status, stderr } = run(`${command} "${ROOT}/samples/gru"`);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: 'cellcheck: the working folder is gone\n  Change to a folder that is there: cd "$HOME"\n',
    });
  }
  expect(run('--version').status).toBe(0);
});

test('a hundred runs print the same bytes', async () => {
  const argv = ['verify', 'samples/failing/gru-perturbed-step'];
  const alone = cellcheck(...argv);
  for (let i = 0; i < 100; i++) expect((await cli(argv)).stdout).toBe(alone.stdout);
  for (let i = 0; i < 4; i++) expect(cellcheck(...argv).stdout).toBe(alone.stdout);
});

test('an error that nobody reads is still exit 2', () => {
  const script = `"${process.execPath}" "${BIN}" verify nowhere 2>/dev/full; echo $?`;
  expect(spawnSync('bash', ['-c', script], { encoding: 'utf8' }).stdout.trim()).toBe('2');
});

test('a FIFO does not hang', () => {
  const script = `d=$(mktemp -d); mkfifo $d/x.json; timeout 10 "${process.execPath}" "${BIN}" verify $d/x.json; echo $?; rm -r $d`;
  const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
  expect(stderr).toContain('is not a regular file');
  expect(stdout.trim()).toBe('2');
});

test('a second interruption ends it at once', async () => {
  const many = Array.from({ length: 400 }, () => 'samples/gru-long');
  const child = spawn(process.execPath, [BIN, 'verify', ...many], { cwd: ROOT });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  child.kill('SIGINT');
  const again = setInterval(() => child.kill('SIGINT'), 20);
  // To a shell a program that ends by this signal has exit code 130.
  const ended = await new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
  clearInterval(again);
  expect([130, 'SIGINT']).toContain(ended);
});

test.skipIf(process.platform === 'win32').each([
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s leaves a report of what is known so far, or else what was there', async (signal, code) => {
  const cwd = scratch();
  fs.writeFileSync(path.join(cwd, 'r.json'), 'precious');
  const many = Array.from({ length: 400 }, () => path.join(ROOT, 'samples', 'gru-long'));
  const argv = [BIN, 'verify', ...many, '--reporter', 'json=r.json'];
  const child = spawn(process.execPath, argv, { cwd, stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const growing = () =>
    fs.readdirSync(cwd).some((file) => file.endsWith('.part') && fs.statSync(path.join(cwd, file)).size > 0);
  await expect.poll(growing, { timeout: 20_000, interval: 5 }).toBe(true);
  child.kill(signal);
  expect(await ended).toBe(code);
  expect(fs.readdirSync(cwd)).toEqual(['r.json']);
  const text = fs.readFileSync(path.join(cwd, 'r.json'), 'utf8');
  if (text === 'precious') return;
  const { cases, summary } = JSON.parse(text);
  expect(summary).toMatchObject({ exit_code: code, not_run: 400 - cases.length });
});

test('an interruption while a file is saved leaves nothing of it, and what was there', async () => {
  const cwd = scratch();
  const [hidden, steps] = [16, 20_000];
  writeSafetensors(path.join(cwd, 'x.safetensors'), {
    weight_ih_l0: raw([4 * hidden, 1], new Float32Array(4 * hidden)),
    weight_hh_l0: raw([4 * hidden, hidden], new Float32Array(4 * hidden * hidden)),
    input: raw([steps, 1, 1], new Float32Array(steps)),
  });
  fs.writeFileSync(path.join(cwd, 'saved.csv'), 'precious');
  const argv = [BIN, 'inspect', 'x.safetensors', '-q', '--force', '--save', 'saved.csv'];
  const child = spawn(process.execPath, argv, { cwd });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const growing = () =>
    fs.readdirSync(cwd).some((file) => file.endsWith('.part') && fs.statSync(path.join(cwd, file)).size > 0);
  await expect.poll(growing, { timeout: 20_000, interval: 5 }).toBe(true);
  child.kill('SIGINT');
  expect(await ended).toBe(130);
  expect(fs.readdirSync(cwd).sort()).toEqual(['saved.csv', 'x.safetensors']);
  expect(fs.readFileSync(path.join(cwd, 'saved.csv'), 'utf8')).toBe('precious');
});

test('compiled code is kept beside the program, made anew where it is spoilt, and done without where it cannot be', () => {
  const folder = scratch();
  for (const part of ['bin', 'dist', 'samples', 'package.json'])
    fs.cpSync(path.join(ROOT, part), path.join(folder, part), {
      recursive: true,
      filter: (file) => !file.endsWith('.code'),
    });
  fs.symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
  const home = path.join(folder, 'dist', 'src', 'cli');
  const kept = () => fs.readdirSync(home).filter((file) => !file.endsWith('.cjs'));
  const run = (...argv: string[]) => {
    const bin = path.join(folder, 'bin', 'cellcheck.cjs');
    const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...argv], {
      cwd: folder,
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };

  // Nothing is kept of runs that have not come far, or that have set flags of V8.
  expect(run('verify', 'samples/nowhere').status).toBe(2);
  expect(run('--version').status).toBe(0);
  expect(kept()).toEqual([]);
  const first = run('verify', 'samples/lstm');
  const [code, ...others] = kept();
  expect(others).toEqual([]);
  expect(code).toBe(`main.cjs.verify.${process.version}.${process.arch}.code`);
  const file = path.join(home, code);
  const size = fs.statSync(file).size;
  expect(size).toBeGreaterThan(100_000);
  expect(run('verify', 'samples/lstm')).toEqual(first);
  const whole = fs.readFileSync(file);
  // One bit each: V8 itself would run that.
  const flipped = [5, 100, size >> 1, size - 3].map((at) => {
    const copy = Buffer.from(whole);
    copy[at] ^= 4;
    return copy;
  });
  for (const spoilt of [Buffer.alloc(0), Buffer.alloc(size, 7), whole.subarray(0, size / 2), ...flipped]) {
    fs.writeFileSync(file, spoilt);
    expect(run('verify', 'samples/lstm')).toEqual(first);
    const anew = fs.readFileSync(file);
    expect(anew.length).toBeGreaterThan(100_000);
    expect(anew.equals(spoilt)).toBe(false);
  }
  // A program of the same length that says something else.
  const program = path.join(home, 'main.cjs');
  const text = fs.readFileSync(program, 'latin1');
  fs.writeFileSync(program, text.replaceAll('"parity"', '"pariTy"'), 'latin1');
  expect(run('verify', 'samples/lstm')).not.toEqual(first);
  fs.writeFileSync(program, text, 'latin1');
  fs.rmSync(file);
  fs.mkdirSync(file);
  expect(run('verify', 'samples/lstm')).toEqual(first);
  expect(kept()).toEqual([code]);
});
