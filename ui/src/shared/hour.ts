// Common options of the charts of the last hour: colours of the page, no built-in legend, a shared cursor, the size of their box.

import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

/** Axis steps for whole numbers. */
const WHOLE = [1, 2, 5]
  .flatMap((step) => [1, 10, 100, 1e3, 1e4, 1e5].map((ten) => step * ten))
  .sort((a, b) => a - b);

export interface HourSetup {
  /** Padding at the top, in pixels. */
  top: number;
  /** Height in pixels while the box has none. */
  height: number;
  /** Size and spacing of the labels, in rem, and the time span of a value if it has one. */
  x: { size: number; space: number; range?: uPlot.Range.Function };
  y: { size: number; space: number; format: (value: number) => string };
  /** Whether the values are whole numbers. */
  whole: boolean;
  /** Returns the lines. Its argument resolves a custom property of the page. */
  series: (colour: (name: string) => string) => uPlot.Series[];
  /** Called with the bin under the cursor, in this chart or another. */
  onpoint: (index: number | null) => void;
}

/** Creates a chart in `box`, without data. */
export function hourChart(box: HTMLElement, { top, height, x, y, whole, series, onpoint }: HourSetup): uPlot {
  const colour = (name: string) => getComputedStyle(box).getPropertyValue(name).trim();
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const lines = series(colour);
  const axis = {
    stroke: () => colour('--muted'),
    font: `${0.8 * rem}px system-ui, sans-serif`,
    grid: { stroke: () => colour('--line'), width: 1 },
    ticks: { show: false },
    gap: 4,
  };
  const options: uPlot.Options = {
    width: box.clientWidth || 300,
    height: box.clientHeight || height,
    padding: [top, 1.3 * rem, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: 'hour' }, drag: { x: false, y: false }, points: { show: false }, y: false },
    scales: {
      x: { time: true, ...(x.range ? { range: x.range } : {}) },
      y: { range: (_, __, most) => [0, Math.max(1, (most ?? 0) * 1.1)] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: x.size * rem,
        space: x.space * rem,
        values: (_, at) => at.map(timeOfDay),
      },
      {
        ...axis,
        size: y.size * rem,
        space: y.space * rem,
        ...(whole ? { incrs: WHOLE } : {}),
        values: (_, values) => values.map(y.format),
      },
    ],
    series: [{}, ...lines],
    hooks: { setCursor: [(self) => onpoint(self.cursor.idx ?? null)] },
  };
  return new uPlot(options, [[], ...lines.map(() => [])], box);
}

/** Resizes a chart with its box. Returns a function that removes the chart. */
export function fitted(chart: uPlot, box: HTMLElement): () => void {
  const sizes = new ResizeObserver(() => chart.setSize({ width: box.clientWidth, height: box.clientHeight }));
  sizes.observe(box);
  return () => {
    sizes.disconnect();
    chart.destroy();
  };
}

function timeOfDay(at: number): string {
  const date = new Date(at * 1000);
  return `${String(date.getHours()).padStart(2, '0')}:${String(date.getMinutes()).padStart(2, '0')}`;
}
