import { formatDimensions, type NamedShape, type ShapeIssue, shapeIssues } from '../../schemas/shapes.js';
import { CellcheckError, listed, printable } from '../errors.js';
import { KINDS } from '../kinds.js';
import { formatShape, sameShape } from '../tensor/shape.js';
import type { Group } from './group.js';
import { describeParts, type Module, parameterShapes, withArticle } from './parameters.js';

/** Which of a module's parameters a group lacks or has in another shape, and which tensors the module does not have. */
export function parameterIssues(module: Module, group: Group): ShapeIssue[] {
  return shapeIssues(parameterShapes(module), new Map([...group.shapes, ...group.misspelt]));
}

/**
 * The error for parameters that are missing, unexpected or misshapen, all of them.
 * @param fits the modules that fit the group best
 * @param issues what the first of them finds wrong
 */
export function parameterError(
  group: Group,
  fits: readonly Module[],
  issues: readonly ShapeIssue[],
): CellcheckError {
  const [issue] = issues;
  if (issues.length > 1 || issue.kind !== 'misshapen') return severalIssues(group, fits, issues);
  const { name } = issue.shape;
  const found = group.shapes.get(name)!;
  if (fits.some((module) => sameShape(found, expectedShape(module, name)))) return contradiction(group, fits);
  return new CellcheckError({
    tensor: group.prefix + name,
    found: formatShape(found),
    expected: alternatives(fits.map((module) => formatShape(expectedShape(module, name)))),
    hints: misshapenHints(issue.shape, found, fits, group),
  });
}

function severalIssues(group: Group, fits: readonly Module[], issues: readonly ShapeIssue[]): CellcheckError {
  const transposed = (issue: ShapeIssue) =>
    issue.kind === 'misshapen' && isTransposed(issue.shape, group.shapes.get(issue.shape.name)!);
  const allTransposed = issues.length > 1 && issues.every(transposed);
  const lines = issues.flatMap((issue) => {
    if (issue.kind === 'unexpected') return `unexpected  ${printable(issue.name)}`;
    const { name, dimensions } = issue.shape;
    if (issue.kind === 'missing') return `missing     ${name} ${formatDimensions(dimensions)}`;
    const found = formatShape(group.shapes.get(name)!);
    const line = `misshapen   ${name}: found ${found}, expected ${formatDimensions(dimensions)}`;
    return transposed(issue) && !allTransposed ? [line, `  ${TRANSPOSED}`] : [line];
  });
  if (issues.some((issue) => issue.kind === 'unexpected' && /_orig$/.test(issue.name))) {
    lines.push('This looks like spectral_norm or pruning: make it permanent before saving the state_dict.');
  } else if (issues.some((issue) => issue.kind === 'unexpected' && /_[gv]$/.test(issue.name))) {
    lines.push('This looks like weight_norm: remove it before saving the state_dict.');
  }
  if (issues.some((issue) => issue.kind === 'unexpected' && /^bias(?:_n)?$/.test(issue.name))) {
    lines.push(
      'A single bias, as Equinox has, is bias_ih here; bias_hh is zero then (for a GRU: zero but for bias_n).',
    );
  }
  const shown = lines.length > 30 ? [...lines.slice(0, 30), `… and ${lines.length - 30} lines more`] : lines;
  const modules = fits.map((module) => withArticle(describeParts(module).join(', ')));
  return new CellcheckError({
    tensor: group.prefix || undefined,
    problem: `its parameters are not those of ${alternatives(modules)}`,
    hints: allTransposed ? [...shown, ALL_TRANSPOSED] : shown,
  });
}

/** The error for shapes that contradict each other: the modules that fit best disagree about which one is wrong. */
function contradiction(group: Group, fits: readonly Module[]): CellcheckError {
  const lines = fits.flatMap((module) =>
    parameterIssues(module, group).flatMap((issue) => {
      if (issue.kind !== 'misshapen') return [];
      const { name } = issue.shape;
      const [found, expected] = [group.shapes.get(name)!, expectedShape(module, name)].map(formatShape);
      return `as ${withArticle(describeParts(module).join(', '))}: ${name} found ${found}, expected ${expected}`;
    }),
  );
  return new CellcheckError({
    tensor: group.prefix || undefined,
    problem: 'its parameters contradict each other',
    hints: [...lines, OTHER_LAYER],
  });
}

function expectedShape(module: Module, name: string): number[] {
  const shape = parameterShapes(module).find((parameter) => parameter.name === name)!;
  return shape.dimensions.map(({ size }) => size as number);
}

function alternatives(texts: readonly string[]): string {
  return listed([...new Set(texts)], ' or ');
}

const TRANSPOSED =
  'It is transposed: PyTorch keeps weights as [rows of all gates, features]. Save weight.T.contiguous().';
const ALL_TRANSPOSED =
  'The weights are transposed: PyTorch keeps them as [rows of all gates, features]. Save weight.T.contiguous() of each.';
const OTHER_LAYER = 'Was one of the tensors exported from another layer?';

function isTransposed({ dimensions }: NamedShape, found: readonly number[]): boolean {
  return sameShape(found, dimensions.map(({ size }) => size as number).toReversed());
}

function misshapenHints(
  shape: NamedShape,
  found: readonly number[],
  fits: readonly Module[],
  group: Group,
): string[] {
  if (isTransposed(shape, found)) return [TRANSPOSED];
  const hints: string[] = [];
  const witness = [...group.shapes].find(([name]) => name !== shape.name && /^weight_ih|^bias/.test(name));
  if (fits.length > 1 && witness) {
    const [name, [rows]] = witness;
    const named = fits.map(({ kind, hidden_size }, i) => {
      return `${withArticle(kind)} of ${i === 0 ? 'hidden size ' : ''}${hidden_size}`;
    });
    hints.push(`${name} has ${rows} rows: ${alternatives(named)}.`);
  }
  if (shape.name.startsWith('weight_hh') && fits.some(({ kind }) => KINDS[kind].projection)) {
    hints.push('An LSTM with proj_size has fewer columns here, and a weight_hr beside it.');
  }
  return [...hints, OTHER_LAYER];
}
