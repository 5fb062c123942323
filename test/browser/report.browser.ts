import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPageParts } from '../../src/files/page-parts.js';
import { reportIn } from '../../src/report/comparison-from-json.js';
import { comparisonPage } from '../../src/report/comparison-page.js';
import type { ReporterOptions } from '../../src/report/reporter.js';
import { ROOT, SAMPLES } from '../cli.js';
import { HARMFUL_NAMES } from '../harmful-names.js';
import { launch } from './browser.js';

const CLI = path.join(ROOT, 'bin', 'cellcheck.cjs');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cellcheck-report-'));
let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});

afterAll(async () => {
  await browser.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

let pages = 0;

/** The page that the built CLI writes, opened from the disk; `troubles`: what the console said, and other requests. */
async function open(cases: readonly string[], cwd = ROOT): Promise<{ page: Page; troubles: string[] }> {
  const html = path.join(folder, `${pages++}.html`);
  spawnSync(process.execPath, [CLI, 'verify', ...cases, '--reporter', `html=${html}`], { cwd });
  const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
  const troubles: string[] = [];
  page.on('console', (message) => troubles.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => troubles.push(String(error)));
  page.on('request', (request) => {
    if (!/^(data|blob):/.test(request.url())) troubles.push(request.url());
  });
  const url = pathToFileURL(html).href;
  await page.goto(url);
  expect(troubles.shift()).toBe(url);
  return { page, troubles };
}

const names = (page: Page) =>
  page.$$eval('tbody tr td:nth-child(2)', (cells) => cells.map((cell) => cell.textContent));

test('the cases filter, by name, reason and verdict, and sort by every column', async () => {
  const { page, troubles } = await open(['samples', 'samples/failing', 'samples/nowhere']);
  expect(await page.textContent('#totals')).toMatch(/^28 parity, 5 differs, 1 without a verdict \(34 cases/);
  const all = await names(page);
  expect(all).toHaveLength(34);
  expect(all.slice(0, 6).every((name) => /failing|nowhere/.test(name!))).toBe(true);

  await page.fill('input[type=search]', 'LSTM');
  expect((await names(page)).every((name) => name!.includes('lstm'))).toBe(true);
  await page.fill('input[type=search]', 'openvino');
  expect(await names(page)).toEqual(['samples/failing/lstm-swapped-gates']);
  await page.fill('input[type=search]', '');
  for (const [verdict, count] of [
    ['parity', 28],
    ['differs', 5],
    ['error', 1],
    ['without parity', 6],
  ] as const) {
    await page.selectOption('select', verdict);
    expect(await names(page)).toHaveLength(count);
  }
  expect(await page.textContent('#shown')).toBe('6 of 34');
  await page.selectOption('select', 'all verdicts');

  await page.click('th >> text=steps');
  const steps = async () =>
    await page.$$eval('td:nth-child(4)', (cells) => cells.map((cell) => Number(cell.textContent)));
  const ascending = await steps();
  expect(ascending).toEqual([...ascending].sort((a, b) => a - b));
  await page.click('th >> text=steps');
  expect(await steps()).toEqual([...ascending].sort((a, b) => b - a));
  await page.click('th >> text=case');
  const sorted = await names(page);
  expect(sorted).toEqual([...sorted].sort());
  expect(troubles).toEqual([]);
});

test('a case that differs shows its error over time, what is allowed, and a map, with the step that is off', async () => {
  const { page, troubles } = await open(['samples/failing/gru-perturbed-step', 'samples/lstm']);
  await page.click('text=samples/failing/gru-perturbed-step');
  await page.waitForSelector('figure[data-drawn] >> nth=1');
  interface Drawn {
    readonly data: readonly { x: number[]; y: number[]; z: (number | null)[][] }[];
  }
  const [lines, [map]] = await page.$$eval('.js-plotly-plot', (plots) =>
    plots.map((plot) =>
      (plot as unknown as Drawn).data.map(({ x, y, z }) => ({ x: [...x], y: [...y], z: z && [...z] })),
    ),
  );
  const [error, allowed] = lines;
  expect(error.x).toHaveLength(60);
  expect(new Set(allowed.y)).toEqual(new Set([6]));
  // The value that was changed at step 42, and the step that begins from it.
  expect(error.x.filter((_, i) => error.y[i] > allowed.y[i])).toEqual([42, 43]);
  const column = map.z.map((row) =>
    row.indexOf(Math.max(...row.map((value) => value ?? Number.NEGATIVE_INFINITY))),
  );
  expect(map.z).toHaveLength(32);
  // Unit 5 is the one that was changed.
  expect(Math.abs(map.x[column[5]] - 42)).toBeLessThanOrEqual(1);
  expect(await page.textContent('td.plots pre')).toContain('one value of the reference was changed');
  await page.click('text=samples/failing/gru-perturbed-step >> nth=0');
  expect(await page.$('td.plots')).toBeNull();
  expect(troubles).toEqual([]);
});

test('names of files are text', async () => {
  const cwd = path.join(folder, 'names');
  for (const name of HARMFUL_NAMES)
    fs.cpSync(path.join(SAMPLES, 'failing', 'gru-edited-weight'), path.join(cwd, name), { recursive: true });
  const { page, troubles } = await open(
    HARMFUL_NAMES.map((name) => `./${name}`),
    cwd,
  );
  expect(await names(page)).toHaveLength(HARMFUL_NAMES.length);
  expect(await page.$$('img, td b, script[src]')).toEqual([]);
  const [button] = await page.$$('td button');
  await button.click();
  await page.waitForSelector('figure[data-drawn]');
  expect(troubles).toEqual([]);
});

test('two thousand cases that differ are less than 20 MB, and open', async () => {
  const { stdout } = spawnSync(process.execPath, [CLI, 'verify', 'samples/failing', '--reporter', 'json'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const { cases } = reportIn(JSON.parse(stdout))!;
  const { begin, result, end } = comparisonPage({
    version: '1',
    readPage: readPageParts,
  } as unknown as ReporterOptions);
  const many = Array.from({ length: 2000 }, (_, i) => ({ ...cases[i % cases.length], label: `case ${i}` }));
  const html = path.join(folder, 'large.html');
  const summary = { parity: 0, differs: 2000, noVerdict: 0, notRun: 0, exitCode: 1 };
  fs.writeFileSync(html, [begin([]), ...many.map(result), end(summary)].join(''));
  expect(fs.statSync(html).size).toBeLessThan(20e6);
  const page = await browser.newPage();
  await page.goto(pathToFileURL(html).href);
  expect(await page.textContent('#shown')).toBe('500 of 2000');
  await page.click('main > button');
  expect(await page.textContent('#shown')).toBe('1000 of 2000');
});
