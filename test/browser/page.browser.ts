import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT } from '../cli.js';
import { readJson } from '../write.js';
import { launch } from './browser.js';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cellcheck-page-'));
let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});

afterAll(async () => {
  await browser.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

interface Saved {
  readonly shape: readonly [number, number, number];
  readonly data: readonly number[];
}

interface Opened {
  readonly page: Page;
  /** What the console said, and what was asked for beside the page itself. */
  readonly troubles: string[];
  readonly saved: Record<string, Saved>;
}

let pages = 0;

/** The page and the saved file that the built CLI makes of a case, the page opened from the disk. */
async function open(...argv: string[]): Promise<Opened> {
  const [html, json] = ['html', 'json'].map((ending) => path.join(folder, `${pages}.${ending}`));
  pages++;
  const cli = path.join(ROOT, 'bin', 'cellcheck.cjs');
  execFileSync(process.execPath, [cli, 'inspect', ...argv, '-q', '--html', html, '--save', json], {
    cwd: ROOT,
  });
  const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
  const troubles: string[] = [];
  page.on('console', (message) => troubles.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => troubles.push(String(error)));
  page.on('request', (request) => {
    if (!/^(data|blob):/.test(request.url())) troubles.push(request.url());
  });
  const url = pathToFileURL(html).href;
  await page.goto(url);
  await page.waitForSelector('figure[data-drawn]');
  expect(troubles.shift()).toBe(url);
  return { page, troubles, saved: readJson(json) as unknown as Record<string, Saved> };
}

/** Moves the pointer onto an element of a map and returns the numbers that the page shows then. */
async function hover(
  page: Page,
  figure: number,
  at: [column: number, columns: number],
  row: [number, number],
) {
  const one = page.locator('figure').nth(figure);
  await one.scrollIntoViewIfNeeded();
  await page.waitForSelector(`figure[data-drawn] >> nth=${figure}`);
  const box = (await one.locator('.nsewdrag').first().boundingBox())!;
  const x = box.x + ((at[0] + 0.5) / at[1]) * box.width;
  const y = box.y + ((row[0] + 0.5) / row[1]) * box.height;
  await page.mouse.move(x + 1, y + 1);
  await page.mouse.move(x, y);
  await expect.poll(() => one.locator('output').textContent()).toContain(`step ${at[0]}, unit ${row[0]}: `);
  const label = await page.locator('.hoverlayer').filter({ hasText: 'step' }).first().textContent();
  return { text: (await one.locator('output').textContent())!.split(': ')[1], label };
}

test('an LSTM of two layers and directions: every map, without errors, and hovering shows the saved numbers', async () => {
  const { page, troubles, saved } = await open('samples/lstm-projection', '--batch', '1');
  // h, c, i, f, g, o, and what is expected of h and c, for 2 layers × 2 directions.
  expect(await page.locator('figure').count()).toBe(4 * (6 + 2));
  expect(await page.locator('h2').allTextContents()).toEqual(
    [0, 1].flatMap((layer) => ['forward', 'reverse'].map((way) => `layer ${layer} ${way}, batch 1`)),
  );
  const titles = await page.locator('figcaption').allTextContents();
  expect(titles.slice(0, 4)).toEqual(['h · hidden state', 'h − expected', 'c · cell state', 'c − expected']);

  const places = ['layer0.forward', 'layer0.reverse', 'layer1.forward', 'layer1.reverse'];
  for (const [place, prefix] of places.entries()) {
    for (const [name, figure] of [
      ['h', 0],
      ['c', 2],
      ['i', 4],
      ['o', 7],
    ] as const) {
      const { shape, data } = saved[`${prefix}.${name}`];
      const [steps, batch, units] = shape;
      for (const [step, unit] of [
        [0, 0],
        [steps - 1, units - 1],
        [3, 1],
      ]) {
        const { text, label } = await hover(page, 8 * place + figure, [step, steps], [unit, units]);
        const value = data[(step * batch + 1) * units + unit];
        expect(Number(text)).toBe(value);
        expect(label).toBe(`step ${step}, unit ${unit}${Number(value.toPrecision(7))}`);
      }
    }
  }
  for (let i = 0; i < 32; i++) await page.locator('figure').nth(i).scrollIntoViewIfNeeded();
  await expect.poll(() => page.locator('figure[data-drawn]').count()).toBe(32);
  expect(troubles).toEqual([]);
});

test('the difference to what is expected stands at its own map, with both numbers', async () => {
  const { page, saved, troubles } = await open(
    'samples/failing/gru-perturbed-step',
    '--layer',
    '1',
    '--direction',
    'forward',
    '--show',
    'h',
    '--batch',
    '1',
  );
  expect(await page.locator('figcaption').allTextContents()).toEqual(['h · hidden state', 'h − expected']);
  const { data, shape } = saved['layer1.forward.h'];
  const [steps, batch, units] = shape;
  const { text } = await hover(page, 1, [42, steps], [5, units]);
  const [, value, expected, difference] = /^(\S+), expected (\S+), difference (\S+)$/.exec(text)!.map(Number);
  expect(value).toBe(data[(42 * batch + 1) * units + 5]);
  expect(difference).toBe(value - expected);
  expect(Math.abs(difference)).toBeCloseTo(1e-3, 6);
  expect(troubles).toEqual([]);
});

test('a selection: its own steps and units, and nothing beyond a length', async () => {
  const { page, saved, troubles } = await open(
    'samples/gru-lengths',
    '--steps',
    '2:6',
    '--unit',
    '0,3',
    '--show',
    'r',
  );
  expect(await page.locator('figure').count()).toBe(2);
  const { data, shape } = saved['layer0.forward.r'];
  const one = page.locator('figure').first();
  const box = (await one.locator('.nsewdrag').first().boundingBox())!;
  // The second of four steps, the second of two units; the row has five steps.
  await page.mouse.move(box.x + 0.375 * box.width, box.y + 0.75 * box.height);
  await expect.poll(() => one.locator('output').textContent()).toContain('step 3, unit 3: ');
  expect(Number((await one.locator('output').textContent())!.split(': ')[1])).toBe(
    data[3 * shape[1] * 5 + 3],
  );
  await page.mouse.move(box.x + 0.875 * box.width, box.y + 0.75 * box.height);
  await page.waitForTimeout(300);
  expect(await one.locator('output').textContent()).toContain('step 3, unit 3: ');
  expect(troubles).toEqual([]);
});

test('text of a file stays text: no tag, no script, nothing loaded', async () => {
  const evil = path.join(folder, '<img src=x onerror=alert(1)><script>alert(2)</script>');
  fs.mkdirSync(path.dirname(evil), { recursive: true });
  fs.cpSync(path.join(ROOT, 'samples', 'lstm'), evil, { recursive: true });
  const { page, troubles } = await open(evil);
  expect(await page.locator('h1').textContent()).toContain('<img src=x onerror=alert(1)>');
  expect(await page.locator('img').count()).toBe(0);
  expect(troubles).toEqual([]);
});

test('values that are not finite are black, and what is beyond a length is nothing', async () => {
  const file = path.join(folder, 'strange.json');
  const input = [[[1]], [['NaN']], [[1]], [['Infinity']]];
  const weights = {
    weight_ih_l0: [[1], [1]],
    weight_hh_l0: [
      [0, 0],
      [0, 0],
    ],
  };
  fs.writeFileSync(
    file,
    JSON.stringify({ ...weights, input, case: { nonlinearity: 'relu', batch_first: false } }),
  );
  const { page, saved, troubles } = await open(file);
  expect(saved['layer0.forward.h'].data).toEqual([1, 1, 'NaN', 'NaN', 'NaN', 'NaN', 'NaN', 'NaN']);
  const { text, label } = await hover(page, 0, [1, 4], [1, 2]);
  expect(text).toBe('NaN');
  expect(label).toContain('not finite');
  expect((await hover(page, 0, [0, 4], [0, 2])).text).toBe('1');
  expect(troubles).toEqual([]);
});
