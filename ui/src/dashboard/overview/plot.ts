// A uPlot chart with lines, bars and areas. The caller supplies the data.

import uPlot from 'uplot';
import { hourChart } from '../../shared/hour';
import { alone, bridged, type Line } from '../series';

export interface PlotLine {
  name: string;
  data: Line;
  /** Values for the legend, if the line is stacked on others. */
  raw?: Line;
  /** The custom property that holds the colour. */
  colour: `--${string}`;
  style: 'line' | 'area' | 'dash' | 'bars';
}

export interface PlotSetup {
  lines: PlotLine[];
  /** Formats values on the axis. */
  format: (value: number) => string;
  /** Whether the values are whole numbers. */
  whole: boolean;
  /** Called with the bin under the cursor, in this chart or another. */
  onpoint: (index: number | null) => void;
}

/** Seconds per bar. */
const BAR_S = 60;

/** Creates a chart that fills `box`. */
export function plot(box: HTMLElement, { lines, format, whole, onpoint }: PlotSetup): uPlot {
  /** A bar starts at its time, so the last one needs room. */
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

/** The columns in uPlot's format. */
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
