// One uPlot chart: its looks come from the colours of the page, its data from whoever holds it.

import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { alone, bridged, type Line } from '../series';

export interface PlotLine {
  name: string;
  data: Line;
  /** What the legend tells, if the line is drawn on top of others. */
  raw?: Line;
  /** The custom property that holds it. */
  colour: `--${string}`;
  style: 'line' | 'area' | 'dash' | 'bars';
}

export interface PlotSetup {
  lines: PlotLine[];
  /** For the axis. */
  format: (value: number) => string;
  /** Whether the values are counted, so that there is nothing between 1 and 2. */
  whole: boolean;
  /** The bin under the cursor, here or in another chart. */
  onpoint: (index: number | null) => void;
}

/** Seconds that a bar stands for. */
const BAR_S = 60;

/** Steps of an axis that counts: never half a request. */
const WHOLE = [1, 2, 5]
  .flatMap((step) => [1, 10, 100, 1e3, 1e4, 1e5].map((ten) => step * ten))
  .sort((a, b) => a - b);

/** A chart in `box`, as large as that is. */
export function plot(box: HTMLElement, { lines, format, whole, onpoint }: PlotSetup): uPlot {
  const colour = (name: string) => getComputedStyle(box).getPropertyValue(name).trim();
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  /** A bar stands on the time it begins at, and the last one wants room. */
  const width = lines.some((line) => line.style === 'bars') ? BAR_S : 0;
  const axis = {
    stroke: () => colour('--muted'),
    font: `${0.8 * rem}px system-ui, sans-serif`,
    grid: { stroke: () => colour('--line'), width: 1 },
    ticks: { show: false },
  };
  const options: uPlot.Options = {
    width: box.clientWidth || 300,
    height: box.clientHeight || 150,
    padding: [8, 1.3 * rem, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: 'hour' }, drag: { x: false, y: false }, points: { show: false }, y: false },
    scales: {
      x: { time: true, range: (_, min, max) => [min, max + width] },
      y: { range: (_, __, max) => [0, Math.max(1, (max ?? 0) * 1.1)] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 1.8 * rem,
        gap: 4,
        space: 4.5 * rem,
        values: (_, at) => at.map(timeOfDay),
      },
      {
        ...axis,
        size: 3.4 * rem,
        gap: 4,
        space: 2.4 * rem,
        ...(whole ? { incrs: WHOLE } : {}),
        values: (_, values) => values.map(format),
      },
    ],
    series: [{}, ...lines.map((line) => drawn(line, () => colour(line.colour)))],
    hooks: { setCursor: [(self) => onpoint(self.cursor.idx ?? null)] },
  };
  return new uPlot(options, data([], lines), box);
}

/** The columns as uPlot takes them. */
export function data(at: number[], lines: PlotLine[]): uPlot.AlignedData {
  return [at, ...lines.map((line) => (line.style === 'bars' ? line.data : bridged(line.data)))];
}

function drawn({ style }: PlotLine, colour: () => string): uPlot.Series {
  const base: uPlot.Series = {
    stroke: colour,
    width: 1.5,
    points: { show: false },
  };
  if (style === 'line' || style === 'dash') {
    const points = {
      show: true,
      size: 3.5,
      width: 0,
      fill: colour,
      filter: (self: uPlot, at: number) => alone(self.data[at]!),
    };
    return { ...base, points, ...(style === 'dash' ? { dash: [4, 3] } : {}) };
  }
  if (style === 'area') return { ...base, fill: () => `${colour()}1f` };
  if (style === 'bars') {
    return { ...base, width: 0, fill: colour, paths: uPlot.paths.bars!({ size: [0.75, 14], align: 1 }) };
  }
  return base;
}

function timeOfDay(at: number): string {
  const date = new Date(at * 1000);
  return `${String(date.getHours()).padStart(2, '0')}:${String(date.getMinutes()).padStart(2, '0')}`;
}
