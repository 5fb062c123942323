import { formatDimensions, type NamedShape, type ShapeIssue } from '../../schemas/shapes.js';
import { CellcheckError, printable } from '../errors.js';
import { KINDS } from '../kinds.js';
import { formatShape, sameShape } from '../tensor/shape.js';
import type { Group } from './group.js';
import { describeParts, type Module, parameterShapes, withArticle } from './parameters.js';

/** The error for parameters that are missing, unexpected or misshapen, all of them. */
export function parameterError(
  group: Group,
  fits: readonly Module[],
  issues: readonly ShapeIssue[],
): CellcheckError {
  if (issues.length === 1 && issues[0].kind === 'misshapen') {
    const { name } = issues[0].shape;
    const found = group.shapes.get(name)!;
    return new CellcheckError({
      tensor: group.prefix + name,
      found: formatShape(found),
      expected: alternatives(fits.map((fit) => expectedShape(fit, name))),
      hints: misshapenHints(issues[0].shape, found, fits, group),
    });
  }
  const lines = issues.flatMap((issue) => {
    if (issue.kind === 'unexpected') return `unexpected  ${printable(issue.name)}`;
    const { name, dimensions } = issue.shape;
    if (issue.kind === 'missing') return `missing     ${name} ${formatDimensions(dimensions)}`;
    const found = group.shapes.get(name)!;
    return [
      `misshapen   ${name}: found ${formatShape(found)}, expected ${formatDimensions(dimensions)}`,
      ...(isTransposed(issue.shape, found) ? [`  ${TRANSPOSED}`] : []),
    ];
  });
  if (issues.some((issue) => issue.kind === 'unexpected' && /_[gv]$/.test(issue.name))) {
    lines.push('This looks like weight_norm: remove it before saving the state_dict.');
  }
  const shown = lines.length > 30 ? [...lines.slice(0, 30), `… and ${lines.length - 30} lines more`] : lines;
  return new CellcheckError({
    tensor: group.prefix || undefined,
    problem: `its parameters are not those of ${alternatives(fits.map((fit) => withArticle(describeParts(fit).join(', '))))}`,
    hints: shown,
  });
}

function expectedShape(module: Module, name: string): string {
  const shape = parameterShapes(module).find((parameter) => parameter.name === name)!;
  return formatShape(shape.dimensions.map(({ size }) => size as number));
}

function alternatives(texts: readonly string[]): string {
  const unique = [...new Set(texts)];
  return unique.length < 2 ? unique[0] : `${unique.slice(0, -1).join(', ')} or ${unique[unique.length - 1]}`;
}

const TRANSPOSED = 'It is transposed: PyTorch keeps weights as [rows of all gates, features]. Save weight.T.';

function isTransposed({ dimensions }: NamedShape, found: readonly number[]): boolean {
  const expected = dimensions.map(({ size }) => size as number);
  return sameShape(found, expected.toReversed()) && !sameShape(found, expected);
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
    const named = fits.map((fit, i) => {
      return `${withArticle(fit.kind)} of ${i === 0 ? 'hidden size ' : ''}${fit.hidden_size}`;
    });
    hints.push(`${witness[0]} has ${witness[1][0]} rows: ${alternatives(named)}.`);
  }
  if (shape.name.startsWith('weight_hh') && fits.some(({ kind }) => KINDS[kind].projection)) {
    hints.push('An LSTM with proj_size has fewer columns here, and a weight_hr beside it.');
  }
  hints.push('Was one of the tensors exported from another layer?');
  return hints;
}
