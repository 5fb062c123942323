// Draws the page that `cellcheck inspect --html` writes: a heat map of every state and gate over time × unit. The page
// contains this script, plotly.js and the data, and loads nothing else.

/**
 * A state or a gate.
 * @typedef {object} Part
 * @property {string} name
 * @property {string} words its name in PyTorch's documentation
 * @property {boolean} signed whether its range is symmetric about zero
 * @property {number[]} steps
 * @property {number[]} units
 * @property {string} values float64 [units, steps], base64
 * @property {boolean[]} there by step: false beyond the row's length, where there are no values
 * @property {string} [expected] like `values`
 * @property {boolean[]} [known] by step: whether there are expected values
 */

/** @typedef {{ sections: { title: string, parts: Part[] }[] }} PageData */

/** @type {PageData} */
const data = JSON.parse(document.getElementById('data')?.textContent ?? '');

/** Draws a figure when it comes near the visible part of the page: a deep network has hundreds of figures. */
const observer = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      observer.unobserve(target);
      drawings.get(target)?.();
    }
  },
  { rootMargin: '600px' },
);
/** @type {Map<Element, () => void>} */
const drawings = new Map();

/** @param {string} base64 */
function numbers(base64) {
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  return new Float64Array(bytes.buffer);
}

/** @param {number[]} values */
const isRange = (values) => values.every((value, i) => i === 0 || value === values[i - 1] + 1);

/** @param {number[]} values */
const axis = (values) => ({
  ...(isRange(values) ? { type: 'linear', tickformat: 'd' } : { type: 'category' }),
  ...(isRange(values) && values.length < 9 ? { dtick: 1 } : {}),
  showgrid: false,
  zeroline: false,
});

/**
 * Adds a figure with a heat map and, below it, the numbers at the pointer.
 * @param {Element} section
 * @param {Part} part
 * @param {string} title
 * @param {Float64Array} shown [units, steps]
 * @param {boolean[]} there by step: whether there are values
 * @param {boolean} signed
 * @param {(at: number) => string} words the text for the element with this index
 */
function addFigure(section, { steps, units }, title, shown, there, signed, words) {
  const figure = add('figure', section);
  add('figcaption', figure, title);
  const plot = add('div', figure);
  const readout = add('output', figure, 'Hover over the map: the numbers stand here.');
  const height = 90 + Math.min(380, Math.max(60, 15 * units.length));
  plot.style.height = `${height}px`;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of shown) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const most = Math.max(Math.abs(low), Math.abs(high));
  const [zmin, zmax] = low > high ? [0, 1] : signed ? [-most, most] : [low, high];
  /** @param {Float64Array} values */
  const rows = (values) =>
    units.map((_, row) => values.subarray(row * steps.length, (row + 1) * steps.length));
  const map = { type: 'heatmap', x: steps, y: units, hoverongaps: false };
  const trace = {
    ...map,
    z: rows(shown),
    zmin,
    zmax: zmax > zmin ? zmax : zmin + 1e-12,
    colorscale: signed ? 'RdBu' : 'Viridis',
    colorbar: { thickness: 12, outlinewidth: 0, tickformat: '.3~g' },
    hovertemplate: 'step %{x}, unit %{y}<br>%{z:.7~g}<extra></extra>',
  };
  // NaN and infinities have no colour on the scale, so that a second heat map shows them in black.
  const strange = shown.map((value, i) =>
    there[i % steps.length] && !Number.isFinite(value) ? 1 : Number.NaN,
  );
  const black = {
    ...map,
    z: rows(strange),
    colorscale: [
      [0, '#000'],
      [1, '#000'],
    ],
    showscale: false,
    hovertemplate: 'step %{x}, unit %{y}<br>not finite<extra></extra>',
  };
  const traces = strange.includes(1) ? [trace, black] : [trace];
  const layout = {
    height,
    margin: { l: 52, r: 8, t: 8, b: 40 },
    xaxis: { title: { text: 'step' }, ...axis(steps) },
    yaxis: { title: { text: 'unit' }, ...axis(units), autorange: 'reversed' },
    paper_bgcolor: 'transparent',
    plot_bgcolor: '#f4f4f4',
    font: { family: 'system-ui, sans-serif', size: 12 },
  };
  drawings.set(figure, async () => {
    const drawn = await Plotly.newPlot(plot, traces, layout, { responsive: true, displaylogo: false });
    drawn.on(
      'plotly_hover',
      ({
        points: [
          {
            pointNumber: [row, column],
          },
        ],
      }) => {
        readout.textContent = `step ${steps[column]}, unit ${units[row]}: ${words(row * steps.length + column)}`;
      },
    );
    figure.dataset.drawn = 'yes';
  });
  observer.observe(figure);
}

const main = add('main', document.body);
for (const { title, parts } of data.sections) {
  add('h2', main, title);
  const section = add('section', main);
  for (const part of parts) {
    const values = numbers(part.values);
    const heading = `${part.name} · ${part.words}`;
    addFigure(section, part, heading, values, part.there, part.signed, (at) => String(values[at]));
    if (part.expected === undefined || part.known === undefined) continue;
    const expected = numbers(part.expected);
    // Equal infinities differ by zero, not by NaN.
    const difference = values.map((value, i) => (value === expected[i] ? 0 : value - expected[i]));
    addFigure(section, part, `${part.name} − expected`, difference, part.known, true, (at) => {
      return `${values[at]}, expected ${expected[at]}, difference ${difference[at]}`;
    });
  }
}
