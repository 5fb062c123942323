/** What the page uses of plotly.js, which stands in a script of its own before it. */
declare const Plotly: {
  newPlot(
    element: HTMLElement,
    traces: readonly object[],
    layout: object,
    config: object,
  ): Promise<PlotlyElement>;
};

interface PlotlyElement extends HTMLElement {
  on(event: 'plotly_hover', listener: (event: { points: { pointNumber: [number, number] }[] }) => void): void;
}
