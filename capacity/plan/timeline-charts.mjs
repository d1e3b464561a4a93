// The timeline of a plan. Not TypeScript: its two libraries are needed for charts alone.
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

const SIZE = { width: 960, height: 220, marginLeft: 60, style: { background: 'white', fontFamily: 'sans-serif' } };

function svg(options) {
  const { document } = parseHTML('<html><body></body></html>');
  const plot = Plot.plot({ ...SIZE, grid: true, x: { label: 'hours' }, ...options, document });
  plot.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return plot.outerHTML;
}

/** Demand, capacity and misses over time, one above the other; `points` are `{hours, rate, serving, needed, missed}`. */
export const timeline = (points) => [
  svg({ y: { label: 'requests a second' }, marks: [Plot.areaY(points, { x: 'hours', y: 'rate', fill: '#9ecae1' }), Plot.ruleY([0])] }),
  svg({
    y: { label: 'instances' },
    marks: [
      Plot.lineY(points, { x: 'hours', y: 'serving', stroke: '#31688e', curve: 'step-before' }),
      Plot.lineY(points, { x: 'hours', y: 'needed', stroke: '#d95f02', strokeDasharray: '3', curve: 'step-before' }),
      Plot.ruleY([0]),
    ],
  }),
  svg({
    y: { label: 'missed, %' },
    marks: [Plot.rectY(points, { x1: 'from', x2: 'hours', y: 'missed', fill: '#b2182b' }), Plot.ruleY([0])],
  }),
];
