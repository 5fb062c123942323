import type { Comparison } from '../compare/comparison.js';
import type { Cause, Convention, Whereabouts, WrongWeight } from '../diagnose/cause.js';
import type { Diagnosis } from '../diagnose/diagnose.js';
import { comparisonObject, json } from './json.js';
import type { ReporterOptions } from './reporters.js';
import { flow } from './terminal/flow.js';
import { formatCount, formatDifference, formatExact, formatSigmas } from './terminal/numbers.js';
import { type Style, styleFor } from './terminal/style.js';
import { headline, verdictText } from './text.js';

/** Diagnoses by the names that --reporter takes. */
export const DIAGNOSES: Readonly<
  Record<string, (label: string, diagnosis: Diagnosis, options: ReporterOptions) => string>
> = { table: diagnosisText, json: diagnosisJson };

/** What stands before a line, and how it is indented. */
const INDENT = '          ';
/** Of what is not excluded, and of units, so many are named. */
const MOST_NAMED = 8;

/** A convention that explains less of the difference is none to look at. */
const WORTH_SAYING = 0.5;

type Line = readonly [label: string, ...segments: string[]];

function diagnosisText(label: string, { comparison, cause }: Diagnosis, options: ReporterOptions): string {
  const { terminal } = options;
  const style = styleFor(terminal);
  const lines = cause ? causeLines(cause, comparison) : [];
  return [
    '',
    headline(label, comparison, options),
    '',
    verdictText(comparison, options),
    ...(lines.length ? [''] : []),
    ...lines.map(([name, ...segments]) =>
      flow([heading(name, style) + segments[0], ...segments.slice(1)], '; ', terminal, INDENT.length),
    ),
    '',
  ].join('\n');
}

const WORDS: Readonly<Record<string, 'good' | 'bad' | 'open'>> = {
  fits: 'good',
  'could be': 'open',
  'nothing fits': 'open',
};

function heading(name: string, style: Style): string {
  const padded = name.length < INDENT.length ? name.padEnd(INDENT.length) : `${name}: `;
  return WORDS[name] ? style[WORDS[name]](padded) : padded;
}

function causeLines(cause: Cause, comparison: Comparison): Line[] {
  const { conventions, changed, notFinite, precision, weights, whereabouts, nextBest, difference } = cause;
  const next: string[] =
    nextBest && nextBest.explained >= WORTH_SAYING
      ? [`the next best explains ${percent(nextBest.explained)}: ${nextBest.says.join(', and ')}`]
      : [];
  const doubts: Line[] = [
    ...(conventions.length > 1 && cause.separators.length
      ? ([['to tell', `these apart, give the case ${anyOf(cause.separators)}`]] satisfies Line[])
      : []),
    ...notExcludedLines(cause),
  ];
  if (conventions.length) return [...conventionLines(conventions, difference, next), ...doubts];
  if (changed.length) {
    const values = changed.map(
      ({ tensor, row, batch, unit, expected, actual }): Line => [
        '',
        `${tensor}[${row}, ${batch}, ${unit}] is ${short(expected)}, and follows as ${short(actual)}`,
      ],
    );
    const [one, it] = changed.length === 1 ? ['one value', 'it'] : [`${changed.length} values`, 'them'];
    return [
      ['fits', `${one} of the reference changed after it was computed: all that follows from ${it} does not`],
      ...values,
      ['do', 'export the reference again'],
    ];
  }
  if (notFinite) {
    const { tensor, row, batch, unit, expected } = notFinite;
    return [
      ['fits', `the reference has ${expected} at ${tensor}[${row}, ${batch}, ${unit}], and should not`],
      ['do', 'look for an overflow, a division or a value that was never set in what computed it'],
    ];
  }
  if (precision) {
    // The values of 16 bits are on their grid; those of TF32 only look like it.
    const sure = precision === 'tf32' ? 'could be' : 'fits';
    return [[sure, `no fault, but rounding in ${precision}: see above`]];
  }
  if (weights.length)
    return [
      ...weights.flatMap(weightLines),
      ['do', 'compare the two checkpoints: is the file of another epoch, or was it edited?'],
    ];
  const output = comparison.tensors.find(({ name }) => name === 'output');
  if (output?.mismatches === 0) {
    return [
      ['nothing fits', 'the output agrees in every step, and only states that were collected from it differ'],
      [
        'do',
        'look at how h_n and c_n are collected: order of layers and directions, and which step they are of',
      ],
    ];
  }
  const { singles, pairs, ofPairs } = cause.tried;
  const tried = pairs < ofPairs ? `${pairs} of ${ofPairs} pairs of them` : `all ${pairs} pairs of them`;
  return [
    ['nothing fits', `${singles} conventions were tried, and ${tried}`, ...next],
    ...(whereabouts ?? []).flatMap((where) => whereLines(where, comparison)),
    [
      'do',
      'check that weights and reference are of the same checkpoint, and that dropout was off (module.eval())',
    ],
    ...doubts,
  ];
}

function conventionLines(conventions: readonly Convention[], difference: number, next: string[]): Line[] {
  return conventions.flatMap(({ says, remedies, left, compared, of, partial }, i): Line[] => [
    [i > 0 ? 'or' : partial ? 'could be' : 'fits', says.join(', and ')],
    [
      '',
      `${formatDifference(left)} is left of ${formatDifference(difference)}`,
      ...(compared < of
        ? [
            `in ${formatCount(compared)} of ${formatCount(of)} values: rounding may have taken the others anywhere`,
          ]
        : []),
      ...(i === 0 ? next : []),
    ],
    ['do', remedies.join('; and ')],
  ]);
}

function weightLines(weight: WrongWeight, i: number): Line[] {
  const { tensors, row, column, gate, unit, inFile, implied, deviation, leftSigmas, sigmas, alike } = weight;
  const at = column === undefined ? row : `${row}, ${column}`;
  const digits = Math.max(2, Math.ceil(Math.log10(Math.abs(implied) / deviation)) + 1);
  const shown = Number(implied.toPrecision(Math.min(17, digits)));
  return [
    [
      i === 0 ? 'fits' : 'or',
      `one weight is another number: ${tensors.join(' or ')}[${at}], gate ${gate}, unit ${unit}`,
    ],
    [
      '',
      `${short(inFile)} in the file, ${formatExact(shown)} ± ${formatDifference(deviation)} by the reference`,
      `with it ${formatSigmas(leftSigmas)} σ is left of ${formatSigmas(sigmas)} σ`,
    ],
    ...(alike
      ? ([
          [
            '',
            `${formatCount(alike)} other ${alike === 1 ? 'weight' : 'weights'} of the same row would do as well`,
          ],
        ] satisfies Line[])
      : []),
  ];
}

function whereLines(where: Whereabouts, { subject }: Comparison): Line[] {
  const { layer, direction, step, batch, unit, units, ofUnits, gates, explained } = where;
  const named = units.slice(0, MOST_NAMED).join(', ') + (units.length > MOST_NAMED ? ', …' : '');
  const place = `layer ${layer}${subject.directions.length > 1 ? ` ${direction}` : ''}`;
  const needed = Object.entries(gates).map(([gate, change]) =>
    change === undefined ? `${gate} by no change` : `${gate} by ${formatDifference(change)}`,
  );
  const shares = Object.entries(explained)
    .sort(([, a], [, b]) => b - a)
    .map(([gate, share]) => `${gate} ${percent(share)}`);
  return [
    [
      'begins',
      `in ${place} at step ${step} [batch ${batch}, unit ${unit}], as each step from the reference's own h shows it`,
      units.length === ofUnits
        ? 'all units are off'
        : `${units.length} of ${ofUnits} units are off: ${named}`,
    ],
    ...(needed.length > 1
      ? ([['', `there one gate's sum would be off: ${needed.join(', ')}`]] satisfies Line[])
      : []),
    ['', `with the best weight of every unit changed, of the difference is explained: ${shares.join(', ')}`],
  ];
}

function notExcludedLines({ notExcluded: says, separators }: Cause): Line[] {
  if (says.length === 0) return [];
  const some = says.slice(0, MOST_NAMED);
  const more = says.length > some.length ? [`and ${says.length - some.length} more`] : [];
  const shown = separators.length ? [`what would: ${anyOf(separators)}`] : [];
  return [
    ['not excluded', 'what this case would not show', ...shown],
    ...[...some, ...more].map((line): Line => ['', line]),
  ];
}

function anyOf(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words[words.length - 1]}`;
}

/** As many digits as a float32 has. */
function short(value: number): string {
  return formatExact(Number(value.toPrecision(9)));
}

function percent(part: number): string {
  return `${Math.floor(100 * part)} %`;
}

function diagnosisJson(
  label: string,
  { comparison, cause }: Diagnosis,
  { version }: ReporterOptions,
): string {
  return `${json({ version: 2, cellcheck: version, ...comparisonObject(label, comparison), cause: cause ? causeObject(cause) : null })}\n`;
}

function causeObject(cause: Cause): object {
  const { conventions, changed, notFinite, precision, weights, whereabouts, nextBest, difference, tried } =
    cause;
  return {
    difference,
    conventions,
    changed,
    precision: precision ?? null,
    not_finite: notFinite ?? null,
    weights: weights.map(({ column, inFile, leftSigmas, ...weight }) => ({
      ...weight,
      column: column ?? null,
      in_file: inFile,
      left_sigmas: leftSigmas,
    })),
    whereabouts: (whereabouts ?? []).map(({ ofUnits, gates, ...where }) => ({
      ...where,
      of_units: ofUnits,
      gates: Object.fromEntries(Object.entries(gates).map(([gate, change]) => [gate, change ?? null])),
    })),
    next_best: nextBest ?? null,
    not_excluded: cause.notExcluded,
    separators: cause.separators,
    tried: { singles: tried.singles, pairs: tried.pairs, of_pairs: tried.ofPairs },
  };
}
