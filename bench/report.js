import fs from 'node:fs';

const BEGIN = '<!-- Written by run.js, from here -->';
const END = '<!-- to here -->';

/** @param {number | undefined} value */
const ratio = (value) => (value === undefined ? '' : value.toFixed(2));
/** @param {number | undefined} value */
const time = (value) => (value === undefined ? '' : value < 100 ? value.toPrecision(3) : value.toFixed(0));
/** @param {import('./passes.js').Pass} pass */
const nameOf = ({ kind, input, hidden, layers, steps, batch }) =>
  `${kind} ${input} → ${hidden}${layers > 1 ? `, ${layers} layers` : ''}, ${steps} steps × ${batch}`;
/** @param {{ program: string }} row */
const isAlone =
  ({ program }) =>
  (/** @type {{ program: string }} */ other) =>
    other.program === program.replace('two cores', 'one core');
/** @param {readonly (readonly string[])[]} rows the first one is the header */
const table = ([heads, ...rows]) =>
  [heads, heads.map((_, i) => (i ? '--:' : '---')), ...rows]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');

/**
 * Replaces the results in the README.
 * @param {any} results
 * @param {string} file
 */
export function writeReport({ machine, passes, judging, differing, processes, suite, forms, growth }, file) {
  const { processor, cores, memoryGiB, platform, date, versions } = machine;
  const parts = [
    `Measured on ${date}: ${processor}, ${cores} cores, ${memoryGiB} GiB, ${platform}; Node ${versions.node} and ${versions.node24}, PyTorch ${versions.torch}, onnxruntime ${versions['onnxruntime (Python)']} (Python) and ${versions['onnxruntime-node']} (Node).`,
    '### Forward passes\n\nMilliseconds, and in brackets the ratio to PyTorch in the same round: below 1 is faster.',
    table([
      ['pass', 'dtype', 'threads', 'PyTorch', 'onnxruntime-node', 'cellcheck, Node 20', 'cellcheck, Node 24'],
      ...passes.map((/** @type {any} */ pass) => {
        const { dtype, threads, milliseconds, ratios } = pass;
        const cell = (/** @type {string} */ name) =>
          ratios[name] === undefined ? '' : `${time(milliseconds[name])} (${ratio(ratios[name])})`;
        return [
          nameOf(pass),
          dtype,
          String(threads),
          time(milliseconds.torch),
          ...['onnxruntime', 'node20', 'node24'].map(cell),
        ];
      }),
    ]),
    '### Judging\n\nA whole verdict by the default rule as a multiple of the forward pass in it: two threads, without reading and printing.',
    table([
      ['pass', 'Node 20: pass, ms', 'verdict ÷ pass', 'Node 24: pass, ms', 'verdict ÷ pass'],
      ...judging.map((/** @type {any} */ row) => [
        `${nameOf(row)}${row.trained ? ', trained' : ''}`,
        ...[row.node20, row.node24].flatMap(({ forward, ratio: times }) => [time(forward), ratio(times)]),
      ]),
    ]),
    '### Cases that differ\n\nThe same where a case is as it should be, where one value of its output is not, and where one weight is not. The cause is looked for as `verify` does.',
    table([
      [
        'pass',
        ...['Node 20', 'Node 24'].flatMap((node) => [`${node}: parity ÷ pass`, 'one value', 'one weight']),
      ],
      ...differing.map((/** @type {any} */ row) => [
        nameOf(row),
        ...[row.node20, row.node24].flatMap(({ nothing, value, weight }) =>
          [nothing, value, weight].map(ratio),
        ),
      ]),
    ]),
    '### Whole processes\n\n`cellcheck verify` judges by its default rule.',
    ...processes.map((/** @type {any} */ { name, table: rows }) =>
      [
        `${name[0].toUpperCase()}${name.slice(1)}:\n`,
        table([
          ['program', 'ms', 'MiB', '÷ nothing', '÷ Python + torch'],
          ...rows.map((/** @type {any} */ row) => [
            row.program,
            time(row.milliseconds),
            row.mebibytes.toFixed(0),
            ratio(row.toBareNode),
            row.toTorch?.toFixed(3) ?? '',
          ]),
        ]),
      ].join('\n'),
    ),
    '### Suites\n\n`cellcheck verify` of a folder of small cases, on one core of the machine and on two.',
    table([
      ['cases', 'on', 'ms', 'ms a case', 'MiB', '÷ one core'],
      ...suite.flatMap((/** @type {any} */ { count, table: rows }) =>
        rows.map((/** @type {any} */ row) => [
          String(count),
          row.program,
          time(row.milliseconds),
          (row.milliseconds / count).toFixed(2),
          row.mebibytes.toFixed(0),
          ratio(row.milliseconds / rows.find(isAlone(row)).milliseconds),
        ]),
      ),
    ]),
    '### Files\n\nThe same weights in several forms, with the default rule, Node 20.',
    ...forms.map((/** @type {any} */ { name, table: rows }) =>
      [
        `${name[0].toUpperCase()}${name.slice(1)}:\n`,
        table([
          ['file', 'ms', 'MiB', '÷ .safetensors'],
          ...rows.map((/** @type {any} */ row) => [
            row.program,
            time(row.milliseconds),
            row.mebibytes.toFixed(0),
            ratio(row.toFirst),
          ]),
        ]),
      ].join('\n'),
    ),
    '### Growth\n\nOne thread, Node 20, float64: milliseconds, and the slope of the straight line through their logarithms.',
    table([
      ['what grows', 'from', 'to', 'slope'],
      ...['steps', 'batch', 'hidden', 'steps of a verdict', 'batch of a verdict'].map((what) => {
        const { points, slope } = growth[what];
        const [from, to] = [points[0], points.at(-1)].map(([value, ms]) => `${value}: ${time(ms)} ms`);
        return [what, from, to, slope.toFixed(3)];
      }),
    ]),
    table([
      ['steps', 'MiB of the process', 'MiB of the tensors', 'the rest'],
      ...growth.memory.map((/** @type {any} */ { steps, mebibytes, tensors }) =>
        [steps, mebibytes.toFixed(0), tensors.toFixed(0), (mebibytes - tensors).toFixed(0)].map(String),
      ),
    ]),
    '`cellcheck verify` of LSTM 64 → 64 with its table, by its default rule:',
    table([
      ['steps', 'MiB, Node 20', 'MiB, Node 24'],
      ...growth.verdicts.map((/** @type {any} */ { steps, node20, node24 }) =>
        [steps, node20.toFixed(0), node24.toFixed(0)].map(String),
      ),
    ]),
  ];
  const text = fs.readFileSync(file, 'utf8');
  const [before, after] = [text.slice(0, text.indexOf(BEGIN)), text.slice(text.indexOf(END))];
  fs.writeFileSync(file, `${before}${BEGIN}\n\n${parts.join('\n\n')}\n\n${after}`);
}
