/** The part of plotly.js that page.js uses. The page contains it in an earlier script. */
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
