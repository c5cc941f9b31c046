// A small chart of the last hour. Its colours come from the page, its data from whoever holds it.

import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { axisNumber } from '../../shared/format';

export interface PlotSetup {
  /** Whether the values are counted, so that there is nothing between 1 and 2. */
  whole: boolean;
  /** The bin under the cursor. */
  onpoint: (index: number | null) => void;
}

/** Steps of an axis that counts. */
const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000];

/** A chart in `box`, as large as that is. Its data are Unix seconds and values. */
export function plot(box: HTMLElement, { whole, onpoint }: PlotSetup): uPlot {
  const colour = (name: string) => getComputedStyle(box).getPropertyValue(name).trim();
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const axis = {
    stroke: () => colour('--muted'),
    font: `${0.8 * rem}px system-ui, sans-serif`,
    grid: { stroke: () => colour('--line'), width: 1 },
    ticks: { show: false },
  };
  const options: uPlot.Options = {
    width: box.clientWidth || 300,
    height: box.clientHeight || 120,
    padding: [6, 1.3 * rem, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: 'hour' }, drag: { x: false, y: false }, points: { show: false }, y: false },
    scales: { x: { time: true }, y: { range: (_, __, most) => [0, Math.max(1, (most ?? 0) * 1.1)] } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 1.7 * rem,
        gap: 4,
        space: 4 * rem,
        values: (_, at) => at.map(timeOfDay),
      },
      {
        ...axis,
        size: 2.6 * rem,
        gap: 4,
        space: 2 * rem,
        ...(whole ? { incrs: WHOLE } : {}),
        values: (_, values) => values.map(axisNumber),
      },
    ],
    series: [
      {},
      {
        stroke: () => colour('--accent'),
        fill: () => `color-mix(in srgb, ${colour('--accent')} 14%, transparent)`,
        width: 1.5,
        points: { show: false },
        ...(whole ? { paths: uPlot.paths.stepped!({ align: 1 }) } : {}),
      },
    ],
    hooks: { setCursor: [(self) => onpoint(self.cursor.idx ?? null)] },
  };
  return new uPlot(options, [[], []], box);
}

function timeOfDay(at: number): string {
  const date = new Date(at * 1000);
  return `${String(date.getHours()).padStart(2, '0')}:${String(date.getMinutes()).padStart(2, '0')}`;
}
