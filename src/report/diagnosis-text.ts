import { listed } from '../errors.js';
import type { Cause, Convention, Whereabouts, WrongWeight } from '../verdict/cause.js';
import { headline, verdictText } from './comparison-text.js';
import type { ReportedComparison } from './reported.js';
import type { ReportedDiagnosis, Reporter, ReporterOptions } from './reporter.js';
import { flow } from './terminal/flow.js';
import { formatCount, formatDifference, formatExact, formatSigmas } from './terminal/numbers.js';
import { type Style, styleFor } from './terminal/style.js';

/** A text for people: the verdict, then lines about the cause. */
export function diagnosisText(options: ReporterOptions): Reporter<'diagnose'> {
  return { begin: () => '', result: (result) => resultText(result, options), end: () => '' };
}

/** The width of a line's heading, and the indent of the lines without one. */
const INDENT = '          ';
/** The largest number of conventions not excluded, or of units, that are named. */
const MOST_NAMED = 8;

/** The next best convention is named if it explains at least this share of the difference. */
const LEAST_EXPLAINED = 0.5;

type Line = readonly [label: string, ...segments: string[]];

function resultText({ label, comparison, cause }: ReportedDiagnosis, options: ReporterOptions): string {
  const { terminal } = options;
  const style = styleFor(terminal);
  const lines = cause ? [...patternLines(cause), ...causeLines(cause, comparison, options)] : [];
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

/** What fits or does not, and what to do. */
function causeLines(cause: Cause, comparison: ReportedComparison, options: ReporterOptions): Line[] {
  switch (cause.kind) {
    case 'conventions':
      return [
        ...conventionLines(cause, options),
        ...separatorLines(cause),
        ...notExcludedLines(cause, options),
      ];
    case 'changed-values': {
      const [values, were] =
        cause.values.length === 1 ? ['one value', 'was'] : [`${cause.values.length} values`, 'were'];
      return [
        [
          'fits',
          `${values} of the reference ${were} changed after it was computed: all others follow from the original`,
        ],
        ...cause.values.map(
          ({ tensor, row, batch, unit, expected, actual }): Line => [
            '',
            `${tensor}[${row}, ${batch}, ${unit}] is ${short(expected)}, but should be ${short(actual)}`,
          ],
        ),
        ['do', 'export the reference again'],
      ];
    }
    case 'not-finite': {
      const { tensor, row, batch, unit, expected } = cause.value;
      return [
        ['fits', `the reference has ${expected} at ${tensor}[${row}, ${batch}, ${unit}], and should not`],
        ['do', 'look for an overflow, a division or a value that was never set in what computed it'],
      ];
    }
    case 'degenerate':
      return [
        ['fits', cause.says],
        ['do', cause.remedy],
      ];
    case 'precision':
      return [
        [
          cause.isSure ? 'fits' : 'could be',
          `no fault, but rounding (profile ${cause.profile})${cause.isSure ? ': see above' : ''}`,
        ],
      ];
    case 'weights':
      return [
        ...cause.weights.flatMap(weightLines),
        ['do', 'compare the two checkpoints: is the file of another epoch, or was it edited?'],
      ];
    case 'unexplained':
      return cause.outputAgrees ? finalStatesLines() : unexplainedLines(cause, comparison, options);
    case 'not-searched':
      return [];
  }
}

/** What follows, before why. */
function patternLines({ pattern }: Cause): Line[] {
  return (pattern?.says ?? []).map((text, i): Line => [i === 0 ? 'follows' : '', text]);
}

function finalStatesLines(): Line[] {
  return [
    ['nothing fits', 'the output agrees in every step, and only states that were collected from it differ'],
    [
      'do',
      'look at how h_n and c_n are collected: order of layers and directions, and which step they are of',
    ],
  ];
}

function unexplainedLines(
  cause: Extract<Cause, { readonly kind: 'unexplained' }>,
  comparison: ReportedComparison,
  options: ReporterOptions,
): Line[] {
  const { singles, pairs, ofPairs } = cause.tried;
  const tried = pairs < ofPairs ? `${pairs} of ${ofPairs} pairs of them` : `all ${pairs} pairs of them`;
  return [
    ['nothing fits', `${singles} conventions were tried, and ${tried}`, ...nextBestOf(cause)],
    ...cause.whereabouts.flatMap((where) => whereLines(where, comparison)),
    ['do', adviceOf(cause, comparison)],
    ...notExcludedLines(cause, options),
  ];
}

/** What to do where nothing fits. */
function adviceOf({ pattern }: Cause, { subject }: ReportedComparison): string {
  if (pattern?.rows) return 'look for a limit, a block size or a buffer of so many batch rows';
  if (pattern?.fromPlace) return 'look for a limit, a block size or a buffer of so many steps × batch rows';
  const dropout = subject.num_layers > 1 ? ', and that dropout was off (module.eval())' : '';
  return `check that weights and reference are of the same checkpoint${dropout}`;
}

/** The convention that explains most of the difference without fitting, if it explains enough. */
function nextBestOf({ nextBest }: Cause): string[] {
  return nextBest && nextBest.explained >= LEAST_EXPLAINED
    ? [`the next best explains ${percent(nextBest.explained)}: ${nextBest.says.join(', and ')}`]
    : [];
}

/** What the case needs so that several conventions can be told apart. */
function separatorLines(cause: Extract<Cause, { readonly kind: 'conventions' }>): Line[] {
  return cause.conventions.length > 1 && cause.separators.length
    ? [['to tell', `these apart, give the case ${listed(cause.separators, ' or ')}`]]
    : [];
}

/** Of many conventions that fit, so many are named. */
const MOST_FITS = 3;

function conventionLines(
  cause: Extract<Cause, { readonly kind: 'conventions' }>,
  { verbose }: ReporterOptions,
): Line[] {
  const { conventions, difference } = cause;
  const shown = verbose ? conventions : conventions.slice(0, MOST_FITS);
  const more = conventions.length - shown.length;
  return [
    ...shown.flatMap((convention, i) => conventionLine(convention, difference, i, nextBestOf(cause))),
    ...(more ? ([['or', `${more} more (--verbose)`]] satisfies Line[]) : []),
  ];
}

/** What is left where the reference was computed in a coarser rounding, too. */
const RESTS: Readonly<Record<NonNullable<Convention['profile']>, string>> = {
  cudnn: 'which may be the rounding of float32 on a GPU',
  f16: "which may be the rounding of a precision below float32 (TF32 is a GPU's default)",
};

function conventionLine(
  { says, remedies, left, compared, of, partial, profile }: Convention,
  difference: number,
  i: number,
  next: readonly string[],
): Line[] {
  return [
    [i > 0 ? 'or' : partial ? 'could be' : 'fits', says.join(', and ')],
    [
      '',
      `${formatDifference(left)} is left of ${formatDifference(difference)}${profile ? `, ${RESTS[profile]}` : ''}`,
      ...(compared < of
        ? [
            `in ${formatCount(compared)} of ${formatCount(of)} values: rounding may have taken the others anywhere`,
          ]
        : []),
      ...(i === 0 ? next : []),
    ],
    ['do', remedies.join('; and ')],
  ];
}

function weightLines(weight: WrongWeight, i: number): Line[] {
  const { tensors, row, column, gate, unit, inFile, implied, deviation, leftSigmas, sigmas, alike } = weight;
  const indices = column === undefined ? row : `${row}, ${column}`;
  const digits = Math.max(2, Math.ceil(Math.log10(Math.abs(implied) / deviation)) + 1);
  const shown = Number(implied.toPrecision(Math.min(17, digits)));
  return [
    [
      i === 0 ? 'fits' : 'or',
      `one weight is another number: ${tensors.join(' or ')}[${indices}], gate ${gate}, unit ${unit}`,
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

function whereLines(where: Whereabouts, { subject }: ReportedComparison): Line[] {
  const { layer, direction, step, batch, unit, units, ofUnits, hasInput, gates, explained } = where;
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
      hasInput ? 'begins' : 'shows',
      `in ${place}${hasInput ? '' : ', whose input is not in the case,'} at step ${step} [batch ${batch}, unit ${unit}], with every step begun from the reference's own h`,
      units.length === ofUnits
        ? 'all units are off'
        : `${units.length} of ${ofUnits} units are off: ${named}`,
    ],
    ...(needed.length > 1
      ? ([['', `if only one gate is wrong there, its sum is off: ${needed.join(', ')}`]] satisfies Line[])
      : []),
    [
      '',
      `changing one weight of every unit explains at best this share of the difference: ${shares.join(', ')}`,
    ],
  ];
}

/** Of many conventions that are not excluded, so many are named. */
const MOST_OPEN = 2;

function notExcludedLines({ notExcluded: says, separators }: Cause, { verbose }: ReporterOptions): Line[] {
  if (says.length === 0) return [];
  const named = verbose ? says : says.slice(0, MOST_OPEN);
  const more = says.length > named.length ? [`and ${says.length - named.length} more (--verbose)`] : [];
  const shown = separators.length ? [`they would show with ${listed(separators, ' or ')}`] : [];
  return [['not excluded', [...named, ...more].join('; '), ...shown]];
}

/** A value with the digits that identify a float32. */
function short(value: number): string {
  return formatExact(Number(value.toPrecision(9)));
}

function percent(share: number): string {
  return `${Math.floor(100 * share)} %`;
}
