// One uPlot chart: its looks come from the colours of the page, its data from whoever holds it.

import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Line } from '../series';

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
  /** The bin under the cursor, here or in another chart. */
  onpoint: (index: number | null) => void;
}

const HEIGHT = 150;
const AXIS_FONT = '11px system-ui, sans-serif';

/** A chart in `box`, as wide as that is. */
export function plot(box: HTMLElement, { lines, format, onpoint }: PlotSetup): uPlot {
  const colour = (name: string) => getComputedStyle(box).getPropertyValue(name).trim();
  const axis = {
    stroke: () => colour('--muted'),
    font: AXIS_FONT,
    grid: { stroke: () => colour('--line'), width: 1 },
    ticks: { show: false },
  };
  const options: uPlot.Options = {
    width: box.clientWidth || 300,
    height: HEIGHT,
    padding: [8, 4, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: 'hour' }, drag: { x: false, y: false }, points: { show: false }, y: false },
    scales: { x: { time: true }, y: { range: (_, __, max) => [0, Math.max(1, (max ?? 0) * 1.1)] } },
    axes: [
      { ...axis, grid: { show: false }, size: 24, gap: 4, space: 60, values: (_, at) => at.map(timeOfDay) },
      { ...axis, size: 52, gap: 4, space: 32, values: (_, values) => values.map(format) },
    ],
    series: [{}, ...lines.map((line) => drawn(line, () => colour(line.colour)))],
    hooks: { setCursor: [(self) => onpoint(self.cursor.idx ?? null)] },
  };
  return new uPlot(options, data([], lines), box);
}

/** The columns as uPlot takes them. */
export function data(at: number[], lines: PlotLine[]): uPlot.AlignedData {
  return [at, ...lines.map((line) => line.data)];
}

function drawn({ style }: PlotLine, colour: () => string): uPlot.Series {
  const base: uPlot.Series = {
    stroke: colour,
    width: 1.5,
    points: { show: false },
    spanGaps: style !== 'bars',
  };
  if (style === 'dash') return { ...base, dash: [4, 3] };
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
