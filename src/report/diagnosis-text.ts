import { listed } from '../errors.js';
import type { Cause, Convention, Whereabouts, WrongWeight } from '../verdict/cause.js';
import type { Comparison } from '../verdict/comparison.js';
import { headline, verdictText } from './comparison-text.js';
import type { DiagnosisResult, Reporter, ReporterOptions } from './reporter.js';
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

function resultText({ label, comparison, cause }: DiagnosisResult, options: ReporterOptions): string {
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

/** What fits or does not, and what to do. */
function causeLines(cause: Cause, comparison: Comparison): Line[] {
  switch (cause.kind) {
    case 'conventions':
      return [
        ...conventionLines(cause.conventions, cause.difference, nextBestOf(cause)),
        ...separatorLines(cause),
        ...notExcludedLines(cause),
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
      return cause.outputAgrees ? finalStatesLines() : unexplainedLines(cause, comparison);
    case 'not-searched':
      return [];
  }
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
  comparison: Comparison,
): Line[] {
  const { singles, pairs, ofPairs } = cause.tried;
  const tried = pairs < ofPairs ? `${pairs} of ${ofPairs} pairs of them` : `all ${pairs} pairs of them`;
  return [
    ['nothing fits', `${singles} conventions were tried, and ${tried}`, ...nextBestOf(cause)],
    ...cause.whereabouts.flatMap((where) => whereLines(where, comparison)),
    [
      'do',
      'check that weights and reference are of the same checkpoint, and that dropout was off (module.eval())',
    ],
    ...notExcludedLines(cause),
  ];
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
      `in ${place} at step ${step} [batch ${batch}, unit ${unit}], with every step begun from the reference's own h`,
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

function notExcludedLines({ notExcluded: says, separators }: Cause): Line[] {
  if (says.length === 0) return [];
  const named = says.slice(0, MOST_NAMED);
  const more = says.length > named.length ? [`and ${says.length - named.length} more`] : [];
  const shown = separators.length ? [`they would with ${listed(separators, ' or ')}`] : [];
  return [
    ['not excluded', 'conventions that make no difference in this case', ...shown],
    ...[...named, ...more].map((line): Line => ['', line]),
  ];
}

/** A value with the digits that identify a float32. */
function short(value: number): string {
  return formatExact(Number(value.toPrecision(9)));
}

function percent(share: number): string {
  return `${Math.floor(100 * share)} %`;
}
