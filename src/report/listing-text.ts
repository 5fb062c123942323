import { printable } from '../errors.js';
import type { Checkpoint, GateRows, ListedModule } from '../module/list.js';
import { formatShape } from '../tensor/shape.js';
import type { Reporter, ReporterOptions } from './reporter.js';
import { flow } from './terminal/flow.js';
import { formatCount, largest } from './terminal/numbers.js';
import { type Style, styleFor, type Terminal } from './terminal/style.js';
import { renderTable } from './terminal/table.js';

const MOST_OTHERS = 12;
const LEGEND = 'T steps, B batch rows; with batch_first input and output are [B, T, …].';
const CELL_LEGEND = 'A Cell takes such a loop, or one step [B, …].';

/** A text for people. Files that could not be read are reported on stderr. */
export function listingText({ terminal }: ReporterOptions): Reporter<'list'> {
  const style = styleFor(terminal);
  const checkpoints: { readonly file: string; readonly checkpoint: Checkpoint }[] = [];
  return {
    begin: () => '',
    result(result) {
      if (result.checkpoint) checkpoints.push(result);
      return '';
    },
    // The legend depends on all of the files.
    end() {
      if (checkpoints.length === 0) return '';
      const hasCells = checkpoints.some(({ checkpoint }) =>
        checkpoint.modules.some(({ is }) => is?.module.cell),
      );
      const legend = [`  ${LEGEND}`, ...(hasCells ? [CELL_LEGEND] : [])];
      const files = checkpoints.map(({ file, checkpoint }) => fileText(file, checkpoint, style, terminal));
      return `\n${files.join('\n')}\n${flow(legend, ' ', terminal, 2)}\n`;
    },
  };
}

function fileText(
  file: string,
  { modules, more, others }: Checkpoint,
  style: Style,
  terminal: Terminal,
): string {
  const count = `${more ? 'the first ' : ''}${formatCount(modules.length)} ${modules.length === 1 ? 'module' : 'modules'}`;
  const width = largest(modules.map(({ prefix }) => label(prefix).length));
  const shown = others
    .slice(0, MOST_OTHERS)
    .map(({ name, spec }) => `${printable(name)} ${formatShape(spec.shape)}`);
  if (others.length > MOST_OTHERS) shown.push(`… and ${formatCount(others.length - MOST_OTHERS)} more`);
  return [
    `${style.strong(printable(file))}   ${count}`,
    '',
    ...modules.map((module) => `${moduleText(module, width, style, terminal)}\n`),
    ...(shown.length
      ? [`${flow([`  of no module: ${shown[0]}`, ...shown.slice(1)], ', ', terminal, 4)}\n`]
      : []),
  ].join('\n');
}

function label(prefix: string): string {
  return prefix === '' ? '(no prefix)' : printable(prefix);
}

function moduleText(
  { prefix, parameters, dtypes, is, error }: ListedModule,
  width: number,
  style: Style,
  terminal: Terminal,
): string {
  const head = `  ${style.strong(label(prefix))}${' '.repeat(width - label(prefix).length)}   `;
  const facts = [`${formatCount(parameters)} parameters`, dtypes.map(printable).join(' and ')];
  if (!is) {
    const [problem, ...hints] = error!.message.split('\n');
    return [
      flow([`${head}${style.bad('error')}`, ...facts], ' · ', terminal, 4),
      ...[problem, ...hints].map((line) => `    ${line}`),
    ].join('\n');
  }
  const { module, words, gates, shapes } = is;
  const [first, ...rest] = words;
  const more = [
    ...(module.proj_size ? [`proj_size ${module.proj_size}`] : []),
    ...(module.bias ? ['bias'] : []),
  ];
  const shape = (role: string) => (shapes[role] ? [role, `[${shapes[role].join(', ')}]`] : ['', '']);
  const rows = [
    ['input', 'h_0', 'c_0'],
    ['output', 'h_n', 'c_n'],
  ].map((roles) => roles.flatMap(shape));
  const columns = rows[0].map(() => ({ align: 'left' as const }));
  return [
    flow([head + first, ...rest, ...more, ...facts], ' · ', terminal, 4),
    flow(
      [`    ${style.dim('rows')} ${gateText(gates[0])}`, ...gates.slice(1).map(gateText)],
      ' · ',
      terminal,
      9,
    ),
    renderTable(columns, rows, style).replace(/^/gm, '  '),
  ].join('\n');
}

function gateText({ gate, first, last }: GateRows): string {
  return `${first === last ? first : `${first}–${last}`} ${gate}`;
}
