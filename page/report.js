// Shows what `cellcheck verify --reporter html` writes: a table of cases that filters and sorts, and for each case without
// parity its plots. The page contains this script, plotly.js and the data, and loads nothing else.
{
  /**
   * How far each step is off, and how far it may be; `each` steps are one point.
   * @typedef {object} Plot
   * @property {string} tensor
   * @property {string} axis
   * @property {string} unit
   * @property {number} each
   * @property {(number | 'inf')[]} far
   * @property {number[]} allowed
   */

  /**
   * The same over step × unit: a byte a cell, from 1 for 10^low to 255 for 10^high, and 0 where nothing is known.
   * @typedef {object} DeviationMap
   * @property {number} steps in a cell
   * @property {number} units in a cell
   * @property {number} width cells in a row
   * @property {number} low
   * @property {number} high
   * @property {string} cells base64
   */

  /**
   * @typedef {object} Case
   * @property {string} name
   * @property {string} verdict
   * @property {string} [module]
   * @property {number} [steps]
   * @property {string} [where]
   * @property {string} [far]
   * @property {number | null} [size]
   * @property {string} [why]
   * @property {string} [details]
   * @property {Plot} [plot]
   * @property {DeviationMap} [map]
   */

  /** @type {{ cases: Case[], totals: string, version: string }} */
  const data = JSON.parse(document.getElementById('data')?.textContent ?? '');

  /** @type {{ head: string, text: (one: Case) => string, key: (one: Case) => string | number }[]} */
  const COLUMNS = [
    { head: 'verdict', text: ({ verdict }) => verdict, key: ({ verdict }) => verdict },
    { head: 'case', text: ({ name }) => name, key: ({ name }) => name },
    { head: 'module', text: ({ module = '' }) => module, key: ({ module = '' }) => module },
    { head: 'steps', text: ({ steps = '' }) => String(steps), key: ({ steps = -1 }) => steps },
    { head: 'where', text: ({ where = '' }) => where, key: ({ where = '' }) => where },
    {
      head: 'how far',
      text: ({ far = '' }) => far,
      key: ({ size = -1 }) => size ?? Number.POSITIVE_INFINITY,
    },
    { head: 'why', text: ({ why = '' }) => why, key: ({ why = '' }) => why },
  ];
  /** Rows that are shown at a time: a browser takes long for many thousands. */
  const ROWS = 500;

  const main = add('main', document.body);
  add('p', main, data.totals).id = 'totals';
  const controls = add('div', main);
  controls.id = 'controls';
  const filter = /** @type {HTMLInputElement} */ (add('input', controls));
  filter.type = 'search';
  filter.placeholder = 'part of a name or a reason';
  filter.setAttribute('aria-label', 'filter');
  const verdicts = /** @type {HTMLSelectElement} */ (add('select', controls));
  verdicts.setAttribute('aria-label', 'verdict');
  for (const verdict of ['all verdicts', 'without parity', ...new Set(data.cases.map((one) => one.verdict))])
    add('option', verdicts, verdict);
  const shown = add('span', controls);
  shown.id = 'shown';

  const table = add('table', main);
  const head = add('tr', add('thead', table));
  const body = add('tbody', table);
  const more = /** @type {HTMLButtonElement} */ (add('button', main, 'more'));
  add('p', main, `cellcheck ${data.version}`);

  // Those without parity come first, until a column is chosen.
  const inOrder = [true, false].flatMap((isFirst) =>
    data.cases.filter(({ verdict }) => (verdict !== 'parity') === isFirst),
  );
  let [sorted, descending] = [-1, false];
  let limit = ROWS;

  for (const [i, { head: text }] of COLUMNS.entries()) {
    const cell = add('th', head);
    add('button', cell, text).addEventListener('click', () => {
      [sorted, descending] = [i, sorted === i && !descending];
      for (const other of head.children) other.removeAttribute('aria-sort');
      cell.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
      draw();
    });
  }
  filter.addEventListener('input', draw);
  verdicts.addEventListener('change', draw);
  more.addEventListener('click', () => {
    limit += ROWS;
    draw();
  });
  draw();

  /** @param {Case} one */
  function isWanted({ name, why = '', verdict }) {
    const wanted = verdicts.value;
    const isOfVerdict =
      wanted === 'all verdicts' || (wanted === 'without parity' ? verdict !== 'parity' : verdict === wanted);
    const text = filter.value.toLowerCase();
    return isOfVerdict && (name.toLowerCase().includes(text) || why.toLowerCase().includes(text));
  }

  function draw() {
    const wanted = inOrder.filter(isWanted);
    if (sorted >= 0) {
      const { key } = COLUMNS[sorted];
      const sign = descending ? -1 : 1;
      wanted.sort((a, b) => (key(a) < key(b) ? -sign : key(a) > key(b) ? sign : 0));
    }
    body.replaceChildren();
    for (const one of wanted.slice(0, limit)) addRow(one);
    const rows = Math.min(limit, wanted.length);
    shown.textContent = `${rows} of ${data.cases.length}`;
    more.hidden = rows === wanted.length;
  }

  /** @param {Case} one */
  function addRow(one) {
    const row = add('tr', body);
    for (const { text } of COLUMNS) add('td', row, text(one));
    row.children[0].className = one.verdict;
    if (one.details === undefined) return;
    const name = row.children[1];
    const button = document.createElement('button');
    button.textContent = one.name;
    button.setAttribute('aria-expanded', 'false');
    name.replaceChildren(button);
    /** @type {Element | undefined} */
    let open;
    button.addEventListener('click', () => {
      if (open) {
        open.remove();
        open = undefined;
      } else {
        open = document.createElement('tr');
        row.after(open);
        addDetails(one, open);
      }
      button.setAttribute('aria-expanded', String(open !== undefined));
    });
  }

  /**
   * @param {Case} one
   * @param {Element} row
   */
  function addDetails({ details = '', plot, map }, row) {
    const cell = /** @type {HTMLTableCellElement} */ (add('td', row));
    cell.className = 'plots';
    cell.colSpan = COLUMNS.length;
    add('pre', cell, details);
    const figures = add('div', cell);
    if (plot) drawPlot(figures, plot);
    if (plot && map) drawMap(figures, plot, map);
  }

  const LAYOUT = {
    height: 320,
    margin: { l: 64, r: 8, t: 8, b: 40 },
    paper_bgcolor: 'transparent',
    plot_bgcolor: '#f4f4f4',
    font: { family: 'system-ui, sans-serif', size: 12 },
    showlegend: false,
  };

  /**
   * @param {Element} figures
   * @param {string} title
   * @param {object[]} traces
   * @param {object} layout
   */
  async function addFigure(figures, title, traces, layout) {
    const figure = add('figure', figures);
    add('figcaption', figure, title);
    const config = { responsive: true, displaylogo: false };
    await Plotly.newPlot(add('div', figure), traces, { ...LAYOUT, ...layout }, config);
    figure.dataset.drawn = 'yes';
  }

  /**
   * @param {Element} figures
   * @param {Plot} plot
   */
  function drawPlot(figures, { tensor, axis, unit, each, far, allowed }) {
    const finite = far.flatMap((value) => (value === 'inf' ? [] : [value]));
    // What is infinitely far stands above all others.
    const top = 10 * Math.max(...finite, ...allowed);
    const heights = far.map((value) => (value === 'inf' ? top : value));
    const x = far.map((_, i) => i * each);
    const isBeyond = heights.map((value, i) => value > allowed[i]);
    const points = {
      x,
      y: heights,
      name: unit,
      mode: 'lines+markers',
      line: { color: '#888', width: 1 },
      marker: {
        size: 6,
        color: isBeyond.map((beyond) => (beyond ? '#b00020' : '#1a6b2f')),
        symbol: far.map((value) => (value === 'inf' ? 'triangle-up' : 'circle')),
      },
      text: far.map((value) => (value === 'inf' ? 'infinitely far' : `${value} ${unit}`)),
      hovertemplate: `${axis} %{x}<br>%{text}<extra></extra>`,
    };
    const limit = { x, y: allowed, name: 'allowed', mode: 'lines', line: { color: '#222', dash: 'dash' } };
    const some = each > 1 ? `, the farthest of ${each} each` : '';
    addFigure(figures, `${tensor}: ${unit}${some}; dashed: what is allowed`, [points, limit], {
      xaxis: { title: { text: axis } },
      yaxis: { title: { text: unit }, type: 'log', exponentformat: 'power' },
    });
  }

  /**
   * @param {Element} figures
   * @param {Plot} plot
   * @param {DeviationMap} map
   */
  function drawMap(figures, { tensor, unit }, { steps, units, width, low, high, cells }) {
    const bytes = Uint8Array.from(atob(cells), (char) => char.charCodeAt(0));
    const height = bytes.length / width;
    const logarithm = (/** @type {number} */ byte) =>
      byte === 0 ? null : low + ((byte - 1) / 254) * (high - low);
    // Units are rows of the picture, as on the pages of inspect.
    const z = Array.from({ length: width }, (_, unit) =>
      Array.from({ length: height }, (_, step) => logarithm(bytes[step * width + unit])),
    );
    const powers = Array.from(
      { length: Math.floor(high) - Math.ceil(low) + 1 },
      (_, i) => Math.ceil(low) + i,
    );
    const trace = {
      type: 'heatmap',
      x: Array.from({ length: height }, (_, i) => i * steps),
      y: Array.from({ length: width }, (_, i) => i * units),
      z,
      colorscale: 'Viridis',
      hoverongaps: false,
      colorbar: {
        thickness: 12,
        outlinewidth: 0,
        tickvals: powers,
        ticktext: powers.map((power) => `1e${power}`),
      },
      hovertemplate: `step %{x}, unit %{y}<br>10^%{z:.1f} ${unit}<extra></extra>`,
    };
    addFigure(figures, `${tensor}: ${unit} over step × unit`, [trace], {
      xaxis: { title: { text: 'step' } },
      yaxis: { title: { text: 'unit' }, autorange: 'reversed' },
    });
  }
}
