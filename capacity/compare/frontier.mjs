// The chart of `npm run capacity -- compare`. Not TypeScript, as the charts of the validation are.
import * as Plot from '@observablehq/plot';
import { svg } from '../validation/charts.mjs';

/** Misses below this are drawn here: the axis is a logarithm. */
const LEAST = 1e-5;

/**
 * Misses over cost, for each GPU; `points` are `{gpu, bootSeconds, policy, kind, cost, missRatio}` of one trace.
 *
 * @param costLabel what `cost` is
 */
export const frontier = (points, costLabel) =>
  svg({
    height: 420,
    width: 1200,
    marginRight: 60,
    marginTop: 70,
    grid: true,
    x: { type: 'log', label: costLabel, ticks: 5, tickFormat: '~g' },
    y: { type: 'log', label: 'share of requests that missed', domain: [LEAST, 1], tickFormat: '~p' },
    fx: { label: null },
    color: { legend: false, domain: ['ours', 'mismeasured', 'peer', 'fixed'], range: ['#d62728', '#ff9896', '#1f77b4', '#999'] },
    marks: [
      Plot.ruleY([0.01], { strokeDasharray: '4' }),
      Plot.dot(points, {
        fx: 'gpu',
        x: 'cost',
        y: ({ missRatio }) => Math.max(LEAST, missRatio),
        stroke: 'kind',
        symbol: 'bootSeconds',
        title: ({ policy, bootSeconds, missRatio, cost }) =>
          `${policy}, boot ${bootSeconds} s: ${(missRatio * 100).toFixed(3)} % missed, cost ${cost.toFixed(2)}`,
      }),
      Plot.text(
        points.filter(({ bootSeconds }) => bootSeconds === points[0].bootSeconds),
        {
          fx: 'gpu',
          x: 'cost',
          y: ({ missRatio }) => Math.max(LEAST, missRatio),
          text: 'policy',
          fill: 'kind',
          dx: 6,
          dy: -6,
          fontSize: 8,
          rotate: -35,
          textAnchor: 'start',
        },
      ),
    ],
  });
