// One chart: its lines, bars and areas, whose data come from whoever holds them.

import uPlot from 'uplot';
import { hourChart } from '../../shared/hour';
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

/** A chart in `box`, as large as that is. */
export function plot(box: HTMLElement, { lines, format, whole, onpoint }: PlotSetup): uPlot {
  /** A bar stands on the time it begins at, and the last one wants room. */
  const width = lines.some((line) => line.style === 'bars') ? BAR_S : 0;
  return hourChart(box, {
    top: 8,
    height: 150,
    x: { size: 1.8, space: 4.5, range: (_, min, max) => [min, max + width] },
    y: { size: 3.4, space: 2.4, format },
    whole,
    series: (colour) => lines.map((line) => drawn(line, () => colour(line.colour))),
    onpoint,
  });
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
