import type { DeviationMap } from '../compare/deviation-map.js';
import type { Summary } from '../compare/summary.js';
import { printable } from '../errors.js';
import { isSequence } from '../kinds.js';
import { farText, headline, totals, verdictText, whereText } from './comparison-text.js';
import { base64, dataText, pageBeginning, pageEnd } from './page.js';
import type { ReportedCase, ReportedComparison, ReportedTensor } from './reported.js';
import { REPORT_COLUMNS, type Reporter, type ReporterOptions } from './reporter.js';

// Two thousand cases that differ fit a page of 20 MB.
const MOST_POINTS = 128;
const MOST_CELLS = 40;

/** A self-contained page: the cases in a table, and for each one without parity its plots. */
export function comparisonPage({ version, readPage }: ReporterOptions): Reporter<'verify'> {
  const page = readPage('report');
  const title = 'cellcheck report';
  let between = '';
  return {
    begin: () => `${pageBeginning(title, `<h1>${title}</h1>`, page)}{"cases":[\n`,
    result(result) {
      const text = between + dataText(caseData(result));
      between = ',\n';
      return text;
    },
    end: (summary) => `\n],${summaryMembers(summary, version)}}${[...pageEnd(page)].join('')}`,
  };
}

function summaryMembers(summary: Summary, version: string): string {
  return dataText({ totals: totals(summary), version }).slice(1, -1);
}

function caseData({ label, comparison, error }: ReportedCase): object {
  const name = printable(label);
  if (error) return { name, verdict: 'error', why: error.message.split('\n')[0], details: error.message };
  const { verdict, subject, cause } = comparison;
  const [failing = undefined] = comparison.tensors.filter(({ mismatches }) => mismatches > 0);
  return {
    name,
    verdict,
    module: subject.words.slice(0, 2).join(' · '),
    steps: subject.steps,
    where: whereText(comparison).join(', '),
    far: farText(comparison),
    size: sizeOf(comparison),
    ...(verdict !== 'parity' && {
      why: cause ?? '',
      details: detailsOf(label, comparison),
      plot: failing && plotOf(failing),
      map: failing?.map && mapOf(failing.map),
    }),
  };
}

/** What the cases are sorted by: the largest difference. */
function sizeOf({ tensors }: ReportedComparison): number | null {
  const sizes = tensors.map(({ worst: { difference } }) => difference);
  const largest = Math.max(...sizes.map((size) => (Number.isNaN(size) ? Number.POSITIVE_INFINITY : size)));
  return Number.isFinite(largest) ? Number(largest.toPrecision(3)) : null;
}

/** The text of the table without its rows, which the plots show. */
function detailsOf(label: string, comparison: ReportedComparison): string {
  const options = { terminal: { columns: REPORT_COLUMNS, color: false } };
  return [headline(label, comparison, options), '', verdictText(comparison, options)].join('\n');
}

/** How far each step (or final state) is off, and how far it may be. */
function plotOf({ name, rows, auto, tolerance }: ReportedTensor): object {
  const each = Math.ceil(rows.length / MOST_POINTS);
  const points = Array.from({ length: Math.ceil(rows.length / each) }, (_, i) => {
    const some = rows.slice(i * each, (i + 1) * each).map(({ worst, sigmas }) => {
      const allowed = auto ? auto.limit : tolerance.atol + tolerance.rtol * Math.abs(worst.expected);
      const far = auto ? (sigmas ?? 0) : worst.difference;
      return { far: Number.isNaN(far) ? Number.POSITIVE_INFINITY : far, allowed };
    });
    // The one that is farthest beyond what is allowed.
    return some.reduce((a, b) => (b.far * a.allowed > a.far * b.allowed ? b : a));
  });
  return {
    tensor: name,
    axis: isSequence(name) ? 'step' : 'layer and direction',
    unit: auto ? (auto.decimals === undefined ? 'σ of rounding' : 'of its bound') : '|Δ|',
    each,
    far: points.map(({ far }) => (Number.isFinite(far) ? Number(far.toPrecision(3)) : 'inf')),
    allowed: points.map(({ allowed }) => Number(allowed.toPrecision(3))),
  };
}

/** A map of at most MOST_CELLS in either direction, each cell a byte on a logarithmic scale; 0 where nothing is known. */
function mapOf({ steps, units, values }: DeviationMap): object {
  const [down, across] = [values.length, values[0].length].map((size) => Math.ceil(size / MOST_CELLS));
  const [height, width] = [Math.ceil(values.length / down), Math.ceil(values[0].length / across)];
  const largest = new Float64Array(height * width);
  for (const [row, line] of values.entries())
    for (const [column, value] of line.entries()) {
      const at = Math.floor(row / down) * width + Math.floor(column / across);
      largest[at] = Math.max(largest[at], value ?? 0);
    }
  const finite = largest.filter((value) => value > 0 && value < Number.POSITIVE_INFINITY).map(Math.log10);
  const [low, high] = finite.length ? [Math.min(...finite), Math.max(...finite)] : [0, 1];
  const cells = Uint8Array.from(largest, (value) => {
    if (!(value > 0)) return 0;
    const share = high > low ? (Math.min(Math.log10(value), high) - low) / (high - low) : 1;
    return 1 + Math.round(254 * share);
  });
  return { steps: steps * down, units: units * across, width, low, high, cells: base64(cells) };
}
