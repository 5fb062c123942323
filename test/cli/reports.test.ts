import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { cli, SAMPLES, scratch } from '../cli.js';

/** What is in a folder, file by file. */
const contents = (folder: string) =>
  Object.fromEntries(
    fs
      .readdirSync(folder)
      .sort()
      .map((name) => [name, fs.readFileSync(path.join(folder, name), 'latin1')]),
  );

describe('a report is never written over what this run reads', () => {
  /** A case with other names than a report may not have anyway. */
  function plainCase(): string {
    const folder = path.join(scratch(), 'case');
    fs.mkdirSync(folder);
    fs.writeFileSync(
      path.join(folder, 'w.txt'),
      "{'weight_ih_l0': tensor([[1.]]), 'weight_hh_l0': tensor([[0.]])}",
    );
    fs.writeFileSync(path.join(folder, 'i.json'), '[[[0]], [[0]]]');
    fs.writeFileSync(path.join(folder, 'e.json'), '{"output": [[[0]], [[0]]]}');
    fs.writeFileSync(path.join(folder, 'l.json'), '{"output_l0": [[[0]], [[0]]]}');
    fs.symlinkSync('i.json', path.join(folder, 'link.json'));
    fs.linkSync(path.join(folder, 'i.json'), path.join(folder, 'hard.json'));
    const said = { weights: 'w.txt', input: 'i.json', expected: 'e.json' };
    fs.writeFileSync(path.join(folder, 'case.json'), JSON.stringify(said));
    return folder;
  }
  const FILES = ['--weights', 'w.txt', '--input', 'i.json', '--expected', 'e.json'];

  test.each([
    ['a file on the command line', FILES, 'i.json'],
    ['its link', FILES, 'link.json'],
    ['another name of it', FILES, 'hard.json'],
    ['a longer path to it', FILES, './../case/e.json'],
    ['a file that the case names', ['.'], 'e.json'],
    ['weights of the case', ['.'], 'w.txt'],
    ['a bundle', ['l.json'], 'l.json'],
    ['a file of layers', [...FILES, '--layer-outputs', 'l.json'], 'l.json'],
  ])('%s', async (_, argv, target) => {
    const cwd = plainCase();
    const before = contents(cwd);
    for (const command of ['verify', 'diagnose']) {
      const { code, stderr } = await cli([command, ...argv, '--reporter', `json=${target}`], { cwd });
      expect({ command, code }).toEqual({ command, code: 2 });
      expect(stderr).toContain(`${target}: is an input of this run, and is not overwritten`);
      expect(contents(cwd)).toEqual(before);
    }
  });

  test('files of a case that has an error before they are read', async () => {
    for (const [said, message] of [
      [{ weights: 'w.txt', input: 'i.json', expected: 'e.json', modul: 'RNN' }, 'modul: is not an option'],
      [{ weights: 'missing.txt', input: 'i.json', expected: 'e.json' }, 'there is no such file'],
    ] as const) {
      const cwd = plainCase();
      fs.writeFileSync(path.join(cwd, 'case.json'), JSON.stringify(said));
      const before = contents(cwd);
      const { code, stderr } = await cli(['verify', '.', '--reporter', 'json=i.json'], { cwd });
      expect(code).toBe(2);
      expect(stderr).toContain(message);
      expect(stderr).toContain('i.json: is an input of this run');
      expect(contents(cwd)).toEqual(before);
    }
  });

  test.skipIf(!fs.existsSync('/dev/shm'))('nor is a file in memory', async () => {
    const folder = fs.mkdtempSync('/dev/shm/cellcheck-');
    onTestFinished(() => fs.rmSync(folder, { recursive: true }));
    fs.writeFileSync(path.join(folder, 'x.json'), '{}');
    const argv = ['verify', path.join(folder, 'x.json'), '--reporter', `json=${path.join(folder, 'x.json')}`];
    expect((await cli(argv)).code).toBe(2);
    expect(contents(folder)).toEqual({ 'x.json': '{}' });
  });

  test('list, and a file that is damaged', async () => {
    const cwd = scratch();
    fs.writeFileSync(path.join(cwd, 'w.json'), '{"weight_ih_l0": [[1');
    const { code, stderr } = await cli(['list', 'w.json', '--reporter', 'json=w.json'], { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain('is an input of this run');
    expect(contents(cwd)).toEqual({ 'w.json': '{"weight_ih_l0": [[1' });
  });

  test.each([
    'case.json',
    'x/case.json',
    'r.safetensors',
    'R.SafeTensors',
    'r.pt',
    'r.pth',
    'r.npz',
    'r.npy',
    'r.onnx',
    'r.ckpt',
    'r.h5',
    'model.safetensors.index.json',
  ])('a name that ends like an input: %s', async (target) => {
    const cwd = scratch();
    fs.mkdirSync(path.join(cwd, 'x'));
    const { code, stderr } = await cli(['verify', SAMPLES, '--reporter', `json=${target}`], { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain('A report is no file of tensors, and no case: give it another name.');
    expect(fs.readdirSync(path.join(cwd, 'x'))).toEqual([]);
  });

  test.each([
    ['r.json', 'r.json'],
    ['r.json', './r.json'],
    ['r.json', 'link.json'],
  ])('another reporter’s file: %s and %s', async (one, other) => {
    const cwd = scratch();
    fs.writeFileSync(path.join(cwd, 'r.json'), 'precious');
    fs.symlinkSync('r.json', path.join(cwd, 'link.json'));
    const argv = ['--reporter', `json=${one}`, '--reporter', `table=${other}`];
    const { code, stderr } = await cli(['verify', path.join(SAMPLES, 'gru'), ...argv], { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain('is named by two reporters');
    expect(fs.readFileSync(path.join(cwd, 'r.json'), 'utf8')).toBe('precious');
  });
});

describe('a report is put in its place when it is complete', () => {
  test('a report of before stays as it was where the command fails', async () => {
    const cwd = scratch();
    fs.writeFileSync(path.join(cwd, 'r.json'), 'of before');
    const failed = await cli(['diagnose', 'nowhere', '--reporter', 'json=r.json'], { cwd });
    expect(failed.code).toBe(2);
    expect(contents(cwd)).toEqual({ 'r.json': 'of before' });
    // A case that has no verdict has a report.
    expect((await cli(['verify', 'nowhere', '--reporter', 'json=r.json'], { cwd })).code).toBe(2);
    expect(JSON.parse(contents(cwd)['r.json']).summary).toMatchObject({ no_verdict: 1 });
    expect(fs.readdirSync(cwd)).toEqual(['r.json']);
  });

  test('a link is followed, and stays; who may read it too', async () => {
    const cwd = scratch();
    fs.writeFileSync(path.join(cwd, 'r.json'), '', { mode: 0o600 });
    fs.symlinkSync('r.json', path.join(cwd, 'link.json'));
    expect(
      (await cli(['list', path.join(SAMPLES, 'gru'), '--reporter', 'json=link.json'], { cwd })).code,
    ).toBe(0);
    expect(fs.lstatSync(path.join(cwd, 'link.json')).isSymbolicLink()).toBe(true);
    expect(JSON.parse(contents(cwd)['r.json']).files).toHaveLength(1);
    expect(fs.statSync(path.join(cwd, 'r.json')).mode & 0o777).toBe(0o600);
  });

  test('a file keeps its mode, whatever the umask says', async () => {
    const cwd = scratch();
    fs.writeFileSync(path.join(cwd, 'r.json'), '');
    fs.chmodSync(path.join(cwd, 'r.json'), 0o666);
    const before = process.umask(0o077);
    onTestFinished(() => {
      process.umask(before);
    });
    expect(
      (await cli(['verify', path.join(SAMPLES, 'gru'), '--reporter', 'json=r.json'], { cwd })).code,
    ).toBe(0);
    expect(fs.statSync(path.join(cwd, 'r.json')).mode & 0o777).toBe(0o666);
  });

  test.skipIf(process.platform === 'win32')('devices and pipes are written directly', async () => {
    const cwd = scratch();
    const gru = path.join(SAMPLES, 'gru');
    expect((await cli(['verify', gru, '--reporter', 'json=/dev/null'])).code).toBe(0);
    const full = await cli(['verify', gru, '--reporter', 'json=/dev/full']);
    expect(full).toMatchObject({ code: 2, stderr: 'cellcheck: /dev/full: cannot be written (ENOSPC)\n' });
    execFileSync('mkfifo', [path.join(cwd, 'pipe')]);
    // Opening a pipe waits for the other side: this one does in another thread.
    const reader = fs.promises.readFile(path.join(cwd, 'pipe'), 'utf8');
    expect((await cli(['verify', gru, '--reporter', 'json=pipe'], { cwd })).code).toBe(0);
    expect(JSON.parse(await reader).summary.parity).toBe(1);
    expect(fs.readdirSync(cwd)).toEqual(['pipe']);
  });

  test('what cannot be written is said before the work', async () => {
    const cwd = scratch();
    fs.mkdirSync(path.join(cwd, 'folder'));
    for (const [target, message] of [
      ['folder', 'cannot be written: it is a folder'],
      ['missing/r.json', 'cannot be written (ENOENT)\n  Its folder does not exist.'],
    ]) {
      const { code, stdout, stderr } = await cli(
        ['verify', path.join(SAMPLES, 'gru'), '--reporter', 'table', '--reporter', `json=${target}`],
        { cwd },
      );
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(`${target}: ${message}`);
    }
    expect(fs.readdirSync(cwd)).toEqual(['folder']);
  });
});
