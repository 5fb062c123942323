import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readTensors } from '../../src/index.js';
import { KINDS, type Kind, traced } from '../../src/kinds.js';
import { cli, copySample, ROOT, SAMPLES, sampleNames, scratch } from '../cli.js';
import { lstmBundle, raw, readJson, writeJson, writeSafetensors } from '../write.js';

const ESCAPE = '\u001b';

/** Text as one line, however it was broken. */
const flat = (text: string) => text.replace(/\s+/g, ' ');

const load = (file: string) => {
  const tensors = readTensors(fs.readFileSync(file), file);
  return tensors.load([...tensors.specs.keys()]);
};

const inspect = (...argv: string[]) => cli(['inspect', ...argv]);

/** The printed numbers: by `layer 0 forward`, then `h[0]`, then step. */
function printed(stdout: string): Record<string, Record<string, Record<number, number>>> {
  const places: Record<string, Record<string, Record<number, number>>> = {};
  let place = '';
  let heads: string[] = [];
  for (const line of stdout.split('\n')) {
    const title = /^ {2}(layer \d+ (?:forward|reverse)(?:, batch \d+)?)$/.exec(line);
    const cells = line.trim().split(/\s+/);
    if (title) place = title[1];
    else if (cells[0] === 'step') heads = cells;
    else if (/^\d+$/.test(cells[0]) && cells.length === heads.length) {
      for (const [i, head] of heads.entries()) {
        if (i === 0) continue;
        places[place] ??= {};
        places[place][head] ??= {};
        places[place][head][Number(cells[0])] = Number(cells[i]);
      }
    }
  }
  return places;
}

interface Notebook {
  readonly module: string;
  readonly hidden_size: number;
  readonly num_layers: number;
  readonly bidirectional: boolean;
  readonly state_dict?: object;
  readonly input: readonly (readonly (readonly number[])[])[];
  readonly output: readonly (readonly (readonly number[])[])[];
  readonly layer_0_hidden_states?: Notebook['output'];
  readonly c_n?: Notebook['output'];
}

const NOTEBOOK = path.join(ROOT, 'test', 'data', 'notebook');
// Weights and states were printed with four decimals.
const PRINTED = 2.5e-4;

describe('the notebook’s systems', () => {
  const files = fs.readdirSync(NOTEBOOK);
  test('are seven, and one was printed without its weights', () => {
    expect(files.length).toBe(7);
    const without = files.filter((file) => !readJson(path.join(NOTEBOOK, file)).state_dict);
    expect(without).toEqual(['rnn-features.json']);
  });

  const states = async (notebook: Notebook, state_dict: object) => {
    const file = path.join(scratch(), 'system.json');
    const { module, input } = notebook;
    writeJson(file, { ...state_dict, input, case: { module, batch_first: true } });
    const { code, stdout, stderr } = await inspect(file);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return printed(stdout);
  };
  const column = (notebook: Notebook, unit: number) => (notebook.hidden_size === 1 ? 'h' : `h[${unit}]`);

  test.each(files.filter((file) => file !== 'rnn-features.json'))(
    '%s: every printed hidden state, of every layer and direction',
    async (file) => {
      const notebook = readJson(path.join(NOTEBOOK, file)) as unknown as Notebook;
      const { hidden_size, num_layers, output, bidirectional, layer_0_hidden_states, c_n } = notebook;
      const places = await states(notebook, notebook.state_dict!);
      let compared = 0;
      const compare = (place: string, rows: readonly (readonly number[])[], from: number) => {
        for (const [step, row] of rows.entries()) {
          for (let unit = 0; unit < hidden_size; unit++) {
            const ours = places[place][column(notebook, unit)][step];
            expect(Math.abs(ours - row[from + unit])).toBeLessThan(PRINTED);
            compared++;
          }
        }
      };
      const top = `layer ${num_layers - 1}`;
      compare(`${top} forward`, output[0], 0);
      if (bidirectional) compare(`${top} reverse`, output[0], hidden_size);
      if (layer_0_hidden_states) compare('layer 0 forward', layer_0_hidden_states[0], 0);
      expect(compared).toBe(
        output[0].length * hidden_size * ((bidirectional ? 2 : 1) + (layer_0_hidden_states ? 1 : 0)),
      );
      if (c_n) expect(places['layer 0 forward'].c[output[0].length - 1]).toBeCloseTo(c_n[0][0][0], 3);
      expect(Object.keys(places).length).toBe(num_layers * (bidirectional ? 2 : 1));
    },
  );

  test('rnn-features.json: the four printed states determine its weights, and these give them back', async () => {
    const notebook = readJson(path.join(NOTEBOOK, 'rnn-features.json')) as unknown as Notebook;
    const h = notebook.output[0].map(([value]) => value);
    // The third feature is always 1, and takes the biases with it: atanh(h) = w x + u h_before.
    const rows = notebook.input[0].map((x, step) => [...x, step ? h[step - 1] : 0, Math.atanh(h[step])]);
    const solution = solve(rows);
    const state_dict = { weight_ih_l0: [solution.slice(0, 3)], weight_hh_l0: [[solution[3]]] };
    const places = await states(notebook, state_dict);
    for (const [step, value] of h.entries()) expect(places['layer 0 forward'].h[step]).toBeCloseTo(value, 5);
  });
});

/** Solves rows of coefficients and a right side by elimination. */
function solve(rows: number[][]): number[] {
  const all = rows.map((row) => [...row]);
  for (let i = 0; i < all.length; i++) {
    const pivot = all.slice(i).reduce((a, b) => (Math.abs(b[i]) > Math.abs(a[i]) ? b : a));
    all.splice(all.indexOf(pivot), 1);
    all.splice(i, 0, pivot);
    for (const row of all) {
      if (row === pivot) continue;
      const factor = row[i] / pivot[i];
      for (let k = i; k < row.length; k++) row[k] -= factor * pivot[k];
    }
  }
  return all.map((row, i) => row[row.length - 1] / row[i]);
}

describe('the table', () => {
  test.each([
    ['few', ['samples/lstm']],
    ['many', ['samples/gru-three-layers', '--layer', '1', '--show', 'h,z']],
    ['lengths', ['samples/gru-lengths', '--unit', '0,4', '--direction', 'reverse', '--show', 'h,r']],
    ['folded', ['samples/gru-long', '--show', 'h']],
    [
      'differs',
      ['samples/failing/gru-perturbed-step', '--layer', '1', '--direction', 'forward', '--show', 'h,n'],
    ],
    [
      'explained',
      [
        'samples/lstm-projection',
        '--layer',
        '1',
        '--direction',
        'reverse',
        '--step',
        '2',
        '--unit',
        '1',
        '--explain',
      ],
    ],
  ])('%s', async (name, argv) => {
    const { code, stdout, stderr } = await inspect(...argv);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    await expect(stdout).toMatchFileSnapshot(`../golden/inspect-${name}.txt`);
  });

  test('shows the numbers that are saved', async () => {
    const file = path.join(scratch(), 'saved.safetensors');
    const argv = ['samples/gru-three-layers', '--unit', ':', '--batch', ':', '--all-steps', '--save', file];
    const places = printed((await inspect(...argv)).stdout);
    const saved = readTensors(fs.readFileSync(file), file);
    let compared = 0;
    for (const [name, { shape, data }] of saved.load([...saved.specs.keys()])) {
      const [layer, direction, part] = name.split('.');
      if (part === undefined) continue;
      const [steps, batch, units] = shape;
      for (const [i, value] of data.entries()) {
        const [step, row, unit] = [Math.floor(i / units / batch), Math.floor(i / units) % batch, i % units];
        const shown =
          places[`${layer.replace('layer', 'layer ')} ${direction}, batch ${row}`][`${part}[${unit}]`][step];
        // Rows with blanks have fewer cells than heads.
        if (shown === undefined) continue;
        expect(Math.abs(shown - value)).toBeLessThan(1e-6);
        compared++;
      }
      expect(steps).toBe(12);
    }
    expect(compared).toBeGreaterThan(6 * 4 * 6 * 12 * 2 * 0.75);
  });

  test('every sample keeps to the terminal’s width, whatever is selected', async () => {
    for (const name of [...sampleNames(), ...sampleNames('failing')]) {
      for (const [columns, argv] of [
        [60, []],
        [60, ['--unit', '0', '--batch', ':']],
        [133, []],
        [80, []],
        [80, ['--step', '0', '--unit', '0', '--explain']],
      ] as const) {
        const { code, stdout } = await cli(['inspect', `samples/${name}`, ...argv], { columns });
        expect(code).toBe(0);
        const longest = stdout.split('\n').reduce((a, b) => (b.length > a.length ? b : a));
        expect(longest.length, `${name}: ${longest}`).toBeLessThanOrEqual(columns);
      }
    }
  });

  test('512 units keep to 80 columns, and so do two', async () => {
    for (const hidden of [2, 512]) {
      const file = path.join(scratch(), 'wide.safetensors');
      const some = (count: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(i) / 20);
      writeSafetensors(file, {
        weight_ih_l0: raw([4 * hidden, 3], some(12 * hidden)),
        weight_hh_l0: raw([4 * hidden, hidden], some(4 * hidden * hidden)),
        input: raw([5, 1, 3], some(15)),
      });
      const { code, stdout } = await inspect(file);
      expect(code).toBe(0);
      expect(stdout.split('\n').filter((line) => line.length > 80 && !line.includes(file))).toEqual([]);
      const perPart = hidden === 2 ? /c\[1\]/ : /c {3}512 units, a mark is the farthest of/;
      expect(stdout).toMatch(perPart);
      expect(stdout).toMatch(hidden === 2 ? /o\[1\]/ : /^ {2}o {3}512 units.*▁ 0\.\d+ … 0\.\d+ █$/m);
    }
  });

  test('NaN and infinities are shown, not hidden', async () => {
    const file = path.join(scratch(), 'nan.json');
    const weight_ih_l0 = Array.from({ length: 6 }, (_, i) => [i + 1]);
    const weight_hh_l0 = Array.from({ length: 6 }, () => Array(6).fill(0));
    const input = [[[1]], [['NaN']], [[1]]];
    writeJson(file, {
      weight_ih_l0,
      weight_hh_l0,
      input,
      output: Array(3).fill([Array(6).fill('Infinity')]),
    });
    const few = await inspect(file, '--unit', '0');
    expect(few.stdout).toMatch(/^ +1 +NaN +inf +NaN ✗$/m);
    const many = await inspect(file);
    expect(many.stdout).toMatch(/^ +1 +NaN +NaN +NaN +×{6} +NaN ✗ +0 +inf$/m);
    expect(many.code).toBe(0);
  });

  test('what differs is marked, never folded away, and its place can be pasted', async () => {
    const folder = copySample('gru-long');
    const expected = path.join(folder, 'expected.safetensors');
    const reference = load(expected).get('output')!;
    const data = reference.data.slice();
    // First at step 100, most at step 300.
    for (const [step, size] of [
      [100, 1e-3],
      [300, 0.5],
    ])
      data[step * 8 + 3] += size;
    writeSafetensors(expected, { output: raw(reference.shape, data) });
    const { stdout } = await inspect(folder);
    expect(stdout).toMatch(/^ +100 .* 1e-3 ✗ +3 /m);
    expect(stdout).toMatch(/^ +300 .* 0\.5 ✗ +3 /m);
    expect(stdout.match(/✗ +3 /g)!.length).toBe(2);
    expect(flat(stdout)).toContain(
      '2 of 4,000 values are not close (✗), first at step 100 [batch 0, unit 3]',
    );
    expect(stdout).toContain('look there: --step 100 --unit 3');
    const there = await inspect(folder, '--step', '100', '--unit', '3', '--explain');
    expect(there.stdout).toContain('|Δ| 1e-3');
    // Tables of gates say nothing of differences.
    const gates = await inspect(folder, '--show', 'r');
    expect(gates.stdout).toContain('⋮');
    expect(gates.stdout).not.toMatch(/⋮.*Δ/);
  });

  test('each table names its own largest difference', async () => {
    const bundle = path.join(scratch(), 'own.json');
    const output = Array.from({ length: 60 }, (_, step) => [[step === 30 ? 5 : 0, 0]]);
    const zeros = (rows: number, columns: number) =>
      Array.from({ length: rows }, () => Array(columns).fill(0));
    const weights = { weight_ih_l0: zeros(8, 1), weight_hh_l0: zeros(8, 2) };
    writeJson(bundle, { ...weights, input: zeros(60, 1), output: output.map(([row]) => row), c_n: [[3, 0]] });
    const { stdout } = await cli(['inspect', bundle, '--show', 'h,c'], { columns: 40 });
    const tables = stdout.split('\n\n').filter((block) => /^ +step /.test(block));
    expect(tables.map((table) => [/step +(\S+)/.exec(table)![1], /\|Δ\| 5/.test(table)])).toEqual([
      ['h[0]', false],
      ['h[1]', false],
      ['c[0]', false],
      ['c[1]', false],
    ]);
    expect(tables[0]).toMatch(/^ +30 +0 +5\.00000 +5 ✗$/m);
    expect(tables[1]).toMatch(/⋮ {2}\d+ steps, largest \|Δ\| 0 at step 3/);
    expect(tables[3]).toMatch(/⋮ {2}\d+ steps$/m);
  });

  test('an h_n that is wrong shows, though the output is right', async () => {
    const folder = copySample('lstm');
    const expected = path.join(folder, 'expected.safetensors');
    const tensors = load(expected);
    const h_n = tensors.get('h_n')!;
    const others = ['output', 'c_n'].map((name) => [name, tensors.get(name)!] as const);
    const wrong = Float32Array.from(h_n.data, (value) => value + 1);
    const all = [
      ...others.map(([name, { shape, data }]) => [name, raw(shape, data)] as const),
      ['h_n', raw(h_n.shape, wrong)] as const,
    ];
    writeSafetensors(expected, Object.fromEntries(all));
    const { stdout } = await inspect(folder);
    expect(stdout).toMatch(/^ +3 +-0\.450949\d+ +0\.549050\d+ +1 ✗ /m);
    expect(stdout).toContain('look there: --step 3 --unit 0');
    const explained = await inspect(folder, '--step', '3', '--unit', '0', '--explain');
    expect(explained.stdout).toContain('|Δ| 1\n');
  });

  test('NaN equals NaN where the case says so', async () => {
    const file = path.join(scratch(), 'nan.json');
    const tensors = {
      weight_ih_l0: [[1]],
      weight_hh_l0: [[0]],
      input: [[1], ['NaN']],
      output: [[0.5], ['NaN']],
    };
    writeJson(file, { ...tensors, case: { equal_nan: true } });
    expect((await inspect(file)).stdout).toMatch(/^ +1 +NaN +NaN +0$/m);
    writeJson(file, tensors);
    expect((await inspect(file)).stdout).toMatch(/^ +1 +NaN +NaN +NaN ✗$/m);
  });

  test('thousands of steps are one table, with columns as wide from top to end', async () => {
    const { stdout } = await inspect('samples/gru-long', '--all-steps', '--show', 'h');
    const rows = stdout.split('\n').filter((line) => /^ +\d+ .*[▁-█]/.test(line));
    expect(rows.length).toBe(500);
    expect(new Set(rows.map((row) => row.search(/[▁-█]{8}/))).size).toBe(1);
    expect(stdout.match(/mean/g)!.length).toBe(1);
  });

  test('colour on terminals only, and it says nothing that the words do not', async () => {
    const argv = ['inspect', 'samples/lstm'];
    const plain = (await cli(argv)).stdout;
    const colored = (await cli(argv, { tty: true })).stdout;
    expect(plain).not.toContain(ESCAPE);
    expect(colored).toContain(ESCAPE);
    expect(colored.replaceAll(new RegExp(`${ESCAPE}\\[\\d+m`, 'g'), '')).toBe(plain);
    expect((await cli([...argv, '--no-color'], { tty: true })).stdout).toBe(plain);
  });
});

describe('a selection', () => {
  test('takes indices and ranges, from the end too', async () => {
    const shown = async (...argv: string[]) =>
      printed((await inspect('samples/gru-three-layers', ...argv)).stdout);
    const places = await shown(
      '--layer',
      '-1',
      '--direction',
      'reverse',
      '--batch',
      '1',
      '--steps',
      '-3:,0',
      '--unit',
      '1,4:',
    );
    expect(Object.keys(places)).toEqual(['layer 2 reverse, batch 1']);
    const [columns] = Object.values(places);
    const units = ['h', 'r', 'z', 'n'].flatMap((part) => [1, 4, 5].map((unit) => `${part}[${unit}]`));
    expect(Object.keys(columns).filter((head) => head.includes('['))).toEqual(units);
    for (const values of Object.values(columns)) expect(Object.keys(values)).toEqual(['0', '9', '10', '11']);
  });

  test('of nothing, or of what is not there, is an error: exit 2', async () => {
    const wrong: [string[], string][] = [
      [['--layer', '3'], 'layer 3 is out of range: layers are 0 to 2'],
      [['--layer=-4'], 'layer -4 is out of range'],
      [['--batch', '2'], 'batch row 2 is out of range: batch rows are 0 to 1'],
      [['--step', '12'], 'step 12 is out of range: steps are 0 to 11'],
      [['--steps', '0:13'], 'step 0:13 is out of range'],
      [['--steps', '5:5'], 'step 5:5 selects nothing'],
      [['--steps', '12:'], 'step 12: selects nothing'],
      [['--unit', '0,6'], 'unit 6 is out of range: units are 0 to 5'],
      [['--show', 'h,i'], 'a GRU has no i to show: it has h, r, z, n'],
      [['--show', ''], 'It takes names, as h or h,z'],
      [['--unit', 'x'], 'It takes indices and ranges'],
      [['--unit', ''], 'It takes indices and ranges'],
      [['--steps', '1:2:3'], 'It takes indices and ranges'],
      [['--step', '1:2'], 'It takes one index'],
      [['--step', '1', '--steps', '2'], 'not both'],
      [['--direction', 'up'], 'Allowed choices are forward, reverse'],
      [['--explain'], 'explain takes one step and one unit, but 12 and 6 are selected'],
      [['--explain', '--step', '1'], 'Choose them, as --step 1 --unit 0'],
    ];
    for (const [argv, message] of wrong) {
      const { code, stdout, stderr } = await inspect('samples/gru-three-layers', ...argv);
      expect({ argv, code, stdout }).toEqual({ argv, code: 2, stdout: '' });
      expect(stderr).toContain(message);
    }
    expect((await inspect('samples/lstm', '--direction', 'reverse')).stderr).toContain('runs forward only');
    expect((await inspect('samples/lstm', '--unit', '1')).stderr).toContain('the only unit is 0');
    const projected = await inspect('samples/lstm-projection', '--unit', '5', '--show', 'h');
    expect(projected).toMatchObject({ code: 2, stderr: expect.stringContaining('with proj_size it has 3') });
    const beyond = await inspect('samples/gru-lengths', '--step', '7', '--unit', '0', '--explain');
    expect(beyond).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('beyond the length 5 of batch row 0'),
    });
  });

  test('is one case: a folder of cases, or none, is an error', async () => {
    expect(await inspect('samples')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /^cellcheck: samples: stands for \d+ cases.*\n {2}Name one of them, as samples\//,
      ),
    });
    expect(await inspect()).toMatchObject({ code: 2, stderr: expect.stringContaining('name a case') });
    expect(await inspect('nowhere')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no such file'),
    });
    const alone = await inspect('--weights', 'samples/lstm/weights.safetensors');
    expect(alone).toMatchObject({ code: 2, stderr: expect.stringContaining('belong together') });
  });
});

describe('without expected outputs', () => {
  test('two files, a bundle and a case file are enough to inspect, and not to verify', async () => {
    const [weights, input] = ['weights', 'input'].map((role) => `samples/lstm-prefix/${role}.safetensors`);
    const files = ['--weights', weights, '--input', input, '--prefix', 'encoder.lstm.'];
    expect(await inspect(...files)).toMatchObject({ code: 0, stderr: '' });
    expect(await cli(['verify', ...files])).toMatchObject({ code: 2 });

    const { output: _, h_n: __, c_n: ___, ...rest } = lstmBundle();
    const bundle = path.join(scratch(), 'bundle.safetensors');
    writeSafetensors(bundle, rest);
    const { code, stdout } = await inspect(bundle);
    expect(code).toBe(0);
    expect(stdout).not.toContain('expected');
    expect(await cli(['verify', bundle])).toMatchObject({ code: 2 });

    const folder = copySample('gru');
    const { expected: ____, ...said } = readJson(path.join(folder, 'case.json'));
    writeJson(path.join(folder, 'case.json'), said);
    expect((await inspect(folder)).code).toBe(0);
    const verified = await cli(['verify', folder]);
    expect(verified).toMatchObject({ code: 2, stderr: expect.stringContaining('expected: is missing') });
  });

  test('a tensor that looks meant and is not used is warned about', async () => {
    const bundle = path.join(scratch(), 'bundle.safetensors');
    const { output: _, ...rest } = lstmBundle();
    writeSafetensors(bundle, { ...rest, hidden: raw([1], [1]), outputs: raw([1], [1]) });
    expect((await inspect(bundle)).stdout).toContain('outputs not used');
  });

  test('what a caller says goes before what the case says', async () => {
    const { stdout } = await inspect('samples/rnn-relu', '--nonlinearity', 'tanh');
    expect(stdout).not.toContain('· relu');
    expect(stdout).toContain('values are not close (✗), first at step');
    const single = await inspect('samples/lstm', '--compute', 'float32');
    expect(single.stdout).toContain('computed in float32');
    expect(await inspect('samples/gru', '--module', 'LSTM')).toMatchObject({ code: 2 });
  });
});

describe('saving', () => {
  test.each(sampleNames())(
    '%s: what is saved is a reference that verify takes, in either format',
    async (name) => {
      const folder = copySample(name);
      const said = readJson(path.join(folder, 'case.json'));
      for (const ending of ['safetensors', 'json']) {
        const saved = path.join(folder, `saved.${ending}`);
        expect((await inspect(folder, '-q', '--save', saved)).code).toBe(0);
        const kind = String(said.module).replace('Cell', '') as Kind;
        const names = [...load(saved).keys()];
        for (const state of KINDS[kind].states) expect(names).toContain(`${state}_n`);
        expect(names.filter((one) => one.startsWith('layer0.forward.'))).toEqual(
          traced(kind).map((part) => `layer0.forward.${part}`),
        );
        writeJson(path.join(folder, 'case.json'), {
          ...said,
          tolerance: undefined,
          layer_outputs: undefined,
          expected: `saved.${ending}`,
        });
        const { code, stdout } = await cli(['verify', folder, '--strict', '--rtol', '0', '--atol', '0']);
        expect(stdout).not.toContain('warning');
        expect(code).toBe(0);
        writeJson(path.join(folder, 'case.json'), said);
      }
    },
  );

  test('a CSV has a line a value, and where it is', async () => {
    const file = path.join(scratch(), 'saved.csv');
    await inspect('samples/rnn-bidirectional', '-q', '--save', file);
    const [head, ...lines] = fs.readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(head).toBe('name,layer,direction,step,batch,unit,value');
    // output [1, 4, 4], h_n [2, 1, 2], h of both directions [4, 1, 2]
    expect(lines.length).toBe(16 + 4 + 2 * 8);
    const at = (start: string) => lines.find((line) => line.startsWith(start))!.split(',');
    const [, , , , , , last] = at('output,,,3,0,1');
    expect(at('layer0.forward.h,0,forward,3,0,1')[6]).toBe(last);
    expect(at('h_n,0,forward,,0,1')[6]).toBe(last);
    expect(at('h_n,0,reverse,,0,0')[6]).toBe(at('layer0.reverse.h,0,reverse,0,0,0')[6]);
  });

  test('the numbers of a safetensors file begin on an 8-byte boundary, whatever its names', async () => {
    for (const name of ['rnn-basic', 'gru', 'lstm', 'rnn-stacked', 'lstm-projection']) {
      const file = path.join(scratch(), 'saved.safetensors');
      await inspect(`samples/${name}`, '-q', '--save', file);
      expect(Number(fs.readFileSync(file).readBigUInt64LE()) % 8).toBe(0);
    }
  });

  test('of the states and gates those are saved that are shown, each whole', async () => {
    const file = path.join(scratch(), 'saved.safetensors');
    const argv = [
      '--layer',
      '1',
      '--direction',
      'reverse',
      '--show',
      'h,z',
      '--step',
      '3',
      '--unit',
      '0',
      '--batch',
      '1',
    ];
    await inspect('samples/gru-three-layers', ...argv, '-q', '--save', file);
    const saved = load(file);
    expect([...saved.keys()]).toEqual(['output', 'h_n', 'layer1.reverse.h', 'layer1.reverse.z']);
    for (const name of ['layer1.reverse.h', 'layer1.reverse.z'])
      expect(saved.get(name)!.shape).toEqual([12, 2, 6]);
  });

  test('tensors of many values are whole in every format', async () => {
    const cwd = scratch();
    const [hidden, steps] = [8, 20_000];
    const some = (count: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(i) / 2);
    writeSafetensors(path.join(cwd, 'x.safetensors'), {
      weight_ih_l0: raw([hidden, 1], some(hidden)),
      weight_hh_l0: raw([hidden, hidden], some(hidden * hidden)),
      input: raw([steps, 1, 1], some(steps)),
    });
    for (const ending of ['safetensors', 'json', 'csv']) {
      await cli(['inspect', 'x.safetensors', '-q', '--save', `saved.${ending}`], { cwd });
    }
    const [binary, json] = ['safetensors', 'json'].map((ending) => load(path.join(cwd, `saved.${ending}`)));
    for (const [name, { shape, data }] of binary) {
      expect(json.get(name)!.shape).toEqual(shape);
      expect(Float64Array.from(json.get(name)!.data)).toEqual(data);
    }
    const lines = fs.readFileSync(path.join(cwd, 'saved.csv'), 'utf8').trimEnd().split('\n').slice(1);
    const values = [...binary.values()].flatMap(({ data }) => [...data]);
    expect(lines.map((line) => Number(line.slice(line.lastIndexOf(',') + 1)))).toEqual(values);
  });

  test('a file keeps who may read it', async () => {
    const file = path.join(scratch(), 'saved.json');
    fs.writeFileSync(file, '', { mode: 0o600 });
    expect((await inspect('samples/lstm', '-q', '--save', file, '--force')).code).toBe(0);
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
  });

  test('what was taken for granted is said where no tables are', async () => {
    const file = path.join(scratch(), 'plain.json');
    writeJson(file, { weight_ih_l0: [[1]], weight_hh_l0: [[1]], input: [[[1], [2]]] });
    const { code, stdout, stderr } = await inspect(file, '-q');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toContain('cellcheck: note: nonlinearity is not given; tanh is assumed');
    expect(stderr).toContain('cellcheck: note: batch_first is not given');
    expect((await inspect(file)).stdout).toContain('note: nonlinearity is not given');
    expect((await inspect(file, '-q', '--nonlinearity', 'relu', '--no-batch-first')).stderr).toBe('');
  });

  test('numbers that are not finite survive each format', async () => {
    const cwd = scratch();
    const file = path.join(cwd, 'nan.json');
    const input = [[['Infinity']], [['NaN']], [['-Infinity']]];
    writeJson(file, { weight_ih_l0: [[1]], weight_hh_l0: [[0]], input, case: { nonlinearity: 'relu' } });
    for (const ending of ['safetensors', 'json']) {
      const saved = path.join(cwd, `saved.${ending}`);
      await inspect(file, '-q', '--save', saved);
      const values = [...load(saved).get('layer0.forward.h')!.data];
      expect(values).toEqual([Number.POSITIVE_INFINITY, Number.NaN, Number.NaN]);
    }
    await inspect(file, '-q', '--save', path.join(cwd, 'saved.csv'));
    const csv = fs.readFileSync(path.join(cwd, 'saved.csv'), 'utf8');
    expect(csv).toContain('output,,,0,0,0,inf\noutput,,,1,0,0,NaN\n');
  });

  test('a file that is there is replaced with --force only, and never lost', async () => {
    const folder = copySample('lstm');
    const saved = path.join(folder, 'saved.safetensors');
    const argv = [folder, '-q', '--save', saved];
    fs.writeFileSync(saved, 'precious');
    const refused = await inspect(...argv);
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('already exists\n  Add --force'),
    });
    expect(fs.readFileSync(saved, 'utf8')).toBe('precious');
    // An error on the way leaves it as it was, and nothing beside it.
    const files = fs.readdirSync(folder);
    expect((await inspect(...argv, '--force', '--unit', '7')).code).toBe(2);
    expect(fs.readFileSync(saved, 'utf8')).toBe('precious');
    expect(fs.readdirSync(folder)).toEqual(files);
    expect((await inspect(...argv, '--force')).code).toBe(0);
    expect(load(saved).has('layer0.forward.o')).toBe(true);
    expect(fs.readdirSync(folder)).toEqual(files);
    // A file of the case itself, which is read before it is replaced.
    const own = path.join(folder, 'expected.safetensors');
    expect((await inspect(folder, '-q', '--save', own, '--force')).code).toBe(0);
    expect((await cli(['verify', folder])).code).toBe(0);
  });

  test('a link is followed, and stays', async () => {
    const cwd = scratch();
    fs.writeFileSync(path.join(cwd, 'target.json'), '{}');
    fs.symlinkSync('target.json', path.join(cwd, 'link.json'));
    const argv = ['inspect', path.join(SAMPLES, 'lstm'), '-q', '--save', 'link.json', '--force'];
    expect((await cli(argv, { cwd })).code).toBe(0);
    expect(fs.lstatSync(path.join(cwd, 'link.json')).isSymbolicLink()).toBe(true);
    expect(load(path.join(cwd, 'target.json')).has('output')).toBe(true);
  });

  test('a file that cannot be written is an error before the work: exit 2', async () => {
    const cwd = scratch();
    fs.mkdirSync(path.join(cwd, 'folder.json'));
    fs.writeFileSync(path.join(cwd, 'file'), '');
    fs.symlinkSync('nowhere', path.join(cwd, 'dangling.json'));
    const wrong: [string[], string][] = [
      [['--save', 'missing/saved.json'], 'cannot be written (ENOENT)\n  Its folder does not exist.'],
      [['--save', 'file/saved.json'], 'cannot be written (ENOTDIR)'],
      [['--save', 'folder.json'], 'it is a folder'],
      [['--save', 'folder.json', '--force'], 'it is a folder'],
      [['--save', 'saved.npy'], 'ends in .safetensors, .json, .csv'],
      [['--save', 'saved'], 'ends in .safetensors, .json, .csv'],
      [['--html', 'missing/page.html'], 'cannot be written'],
      [['--save', 'x.csv', '--html', './x.csv'], 'name the same file'],
      [['--save', 'dangling.json', '--force'], 'is a link to nothing'],
      [['--html', 'file'], 'already exists'],
    ];
    for (const [argv, message] of wrong) {
      const result = await cli(['inspect', path.join(SAMPLES, 'lstm'), ...argv], { cwd });
      expect(result).toMatchObject({ code: 2, stdout: '' });
      expect(result.stderr).toContain(message);
    }
    expect(fs.readdirSync(cwd).sort()).toEqual(['dangling.json', 'file', 'folder.json']);
  });
});

test('a page holds its case’s text as text, and all that it needs', async () => {
  const cwd = scratch();
  const file = path.join(cwd, 'page.html');
  const folder = path.join(cwd, '<script>alert(1)');
  fs.cpSync(path.join(SAMPLES, 'lstm'), folder, { recursive: true });
  expect((await inspect(folder, '-q', '--html', file)).code).toBe(0);
  const page = fs.readFileSync(file, 'utf8');
  expect(page).not.toContain('<script>alert');
  expect(page).toContain('&#60;script&#62;alert');
  expect(page.match(/<script/g)!.length).toBe(page.match(/<\/script>/g)!.length);
  expect(page).not.toMatch(/<(?:script|link|img)[^>]*(?:src|href)=/);
  expect(page).toContain("default-src 'none'");
});

test('a page of more than a browser shows is refused, and says what to select', async () => {
  const cwd = scratch();
  const file = path.join(cwd, 'long.safetensors');
  const hidden = 64;
  writeSafetensors(file, {
    weight_ih_l0: raw([4 * hidden, 1], new Float32Array(4 * hidden)),
    weight_hh_l0: raw([4 * hidden, hidden], new Float32Array(4 * hidden * hidden)),
    input: raw([12_000, 1, 1], new Float32Array(12_000)),
  });
  const argv = ['inspect', file, '-q', '--html', 'page.html'];
  const refused = await cli(argv, { cwd });
  expect(refused).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('4608000 values are selected, and a page shows 4000000 at most'),
  });
  expect(fs.readdirSync(cwd)).toEqual(['long.safetensors']);
  expect((await cli([...argv, '--steps', '0:100'], { cwd })).code).toBe(0);
});

test('any selection is an error with a message, or tables with numbers', async () => {
  const some = fc.constantFrom(
    '0',
    '1',
    '-1',
    '2',
    '0:2',
    ':',
    '1:',
    ':-1',
    '0,1',
    '5',
    '-9',
    '3:1',
    'x',
    '0,,1',
  );
  const option = (name: string) =>
    fc.option(
      some.map((value) => `--${name}=${value}`),
      { nil: undefined },
    );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('gru-lengths', 'lstm-projection', 'rnn-unbatched', 'gru-cell', 'lstm-float16'),
      fc.tuple(option('layer'), option('batch'), option('steps'), option('unit')),
      fc.subarray(['h', 'c', 'i', 'r', 'z', 'o'], { minLength: 0 }),
      fc.boolean(),
      async (name, options, show, explain) => {
        const argv = options.filter((one) => one !== undefined);
        if (show.length) argv.push(`--show=${show.join(',')}`);
        if (explain) argv.push('--explain');
        const { code, stdout, stderr } = await inspect(`samples/${name}`, ...argv);
        if (code === 2) {
          expect(stdout).toBe('');
          expect(stderr).toMatch(/^cellcheck: /);
          expect(stderr).not.toContain('cellcheck itself');
        } else {
          expect(code).toBe(0);
          expect(stderr).toBe('');
          // Numbers, or nothing beyond a length.
          expect(stdout).toMatch(/\d\.\d{3}|–| 0$/m);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('help shows examples, every option, and what the exit codes mean', async () => {
  const { code, stdout } = await inspect('--help');
  expect(code).toBe(0);
  expect(stdout).toContain('Examples:\n  cellcheck inspect');
  expect(stdout).toContain('Exit codes:\n  0  done');
});
