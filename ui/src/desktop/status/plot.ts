// A small chart of the last hour. The caller supplies the data.

import uPlot from 'uplot';
import { axisNumber } from '../../shared/format';
import { hourChart } from '../../shared/hour';

export interface PlotSetup {
  /** Whether the values are whole numbers. */
  whole: boolean;
  /** Called with the bin under the cursor. */
  onpoint: (index: number | null) => void;
}

/** Creates a chart that fills `box`. Its data are Unix seconds and values. */
export function plot(box: HTMLElement, { whole, onpoint }: PlotSetup): uPlot {
  return hourChart(box, {
    top: 6,
    height: 120,
    x: { size: 1.7, space: 4 },
    y: { size: 2.6, space: 2, format: axisNumber },
    whole,
    series: (colour) => [
      {
        stroke: () => colour('--accent'),
        fill: () => `color-mix(in srgb, ${colour('--accent')} 14%, transparent)`,
        width: 1.5,
        points: { show: false },
        ...(whole ? { paths: uPlot.paths.stepped!({ align: 1 }) } : {}),
      },
    ],
    onpoint,
  });
}
