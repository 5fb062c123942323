// Prints the README's picture of a failing `cellcheck verify`, in a terminal's colours, as SVG:
//
//     npm run picture
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ARGV = ['verify', 'samples/failing/lstm-ignored-lengths'];
const TITLE = `What cellcheck ${ARGV.join(' ')} prints: steps 0 to 5 agree, steps 6 to 10 differ`;

const CHARACTER = { width: 8.4, height: 19 };
const MARGIN = 20;
const BACKGROUND = '#0d1117';
const FOREGROUND = '#e6edf3';

/**
 * Select Graphic Rendition codes as SVG attributes; undefined ends an attribute.
 * @type {Record<string, Record<string, string | undefined>>}
 */
const ATTRIBUTES = {
  1: { 'font-weight': 'bold' },
  2: { 'fill-opacity': '0.65' },
  22: { 'font-weight': undefined, 'fill-opacity': undefined },
  31: { fill: '#ff7b72' },
  32: { fill: '#56d364' },
  33: { fill: '#e3b341' },
  39: { fill: undefined },
};

const ESCAPED = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
/** @param {string} text */
const escaped = (text) => text.replace(/[&<>]/g, (character) => ESCAPED[/** @type {'&'} */ (character)]);

/** @param {Record<string, string | number | undefined>} attributes */
const attributesOf = (attributes) =>
  Object.entries(attributes)
    .flatMap(([name, value]) => (value === undefined ? [] : ` ${name}="${value}"`))
    .join('');

// An escape sequence with its code, words with single spaces between them, or other spaces.
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const PARTS = /\x1b\[(\d+)m|([^\s\x1b]+(?: [^\s\x1b]+)*)| +/g;

/**
 * A line as <text> elements. Each run of words has its own place and width, so that columns stay aligned in any font.
 * @param {string} line with escape sequences
 * @param {number} row
 */
function lineElements(line, row) {
  const elements = [];
  let attributes = {};
  let column = 0;
  for (const [part, code, words] of line.matchAll(PARTS)) {
    if (code !== undefined) {
      if (!(code in ATTRIBUTES)) throw new Error(`no attributes for code ${code}`);
      attributes = { ...attributes, ...ATTRIBUTES[code] };
      continue;
    }
    const { length } = [...part];
    if (words !== undefined) {
      const place = {
        x: (MARGIN + column * CHARACTER.width).toFixed(1),
        y: MARGIN + (row + 0.75) * CHARACTER.height,
        textLength: (length * CHARACTER.width).toFixed(1),
      };
      elements.push(`<text${attributesOf({ ...place, ...attributes })}>${escaped(words)}</text>`);
    }
    column += length;
  }
  return { elements, columns: column };
}

const env = { ...process.env, NO_COLOR: '', FORCE_COLOR: '1', COLUMNS: '80' };
const program = path.join(ROOT, 'bin', 'cellcheck.cjs');
const { stdout } = spawnSync(process.execPath, [program, ...ARGV], { cwd: ROOT, encoding: 'utf8', env });
const lines = [`$ npx cellcheck ${ARGV.join(' ')}`, ...stdout.trimEnd().split('\n')].map(lineElements);
const width = 2 * MARGIN + Math.ceil(CHARACTER.width * Math.max(...lines.map(({ columns }) => columns)));
const height = 2 * MARGIN + CHARACTER.height * lines.length;

const SVG = { xmlns: 'http://www.w3.org/2000/svg', viewBox: `0 0 ${width} ${height}`, width, height };
const FONT = {
  fill: FOREGROUND,
  'font-family': 'ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace',
  'font-size': 14,
};
console.log(`<svg${attributesOf({ ...SVG, role: 'img', 'aria-label': TITLE })}>
<title>${TITLE}</title>
<rect${attributesOf({ width: '100%', height: '100%', rx: 8, fill: BACKGROUND })}/>
<g${attributesOf(FONT)}>
${lines.flatMap(({ elements }) => elements).join('\n')}
</g>
</svg>`);
