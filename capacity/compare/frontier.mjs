// The chart of `npm run capacity -- compare`. Not TypeScript, as the charts of the validation are.
import * as Plot from '@observablehq/plot';
import { svg } from '../validation/charts.mjs';

/** Misses below this are drawn here: the axis is a logarithm. */
const LEAST = 1e-5;

/** Labels nearer than this, in shares of an axis, would lie on each other. */
const [NEAR_X, NEAR_Y] = [0.055, 0.033];

/** How many lines each label is lifted, so that none lies on one before it; places are shares of the axes. */
function lifted(places) {
  const taken = [];
  return places.map(([x, y]) => {
    let lift = 0;
    while (taken.some(([otherX, otherY]) => Math.abs(otherX - x) < NEAR_X && Math.abs(otherY - (y + lift * NEAR_Y)) < NEAR_Y * 0.9)) {
      lift++;
    }
    taken.push([x, y + lift * NEAR_Y]);
    return lift;
  });
}

/**
 * Misses over cost, for each GPU; `points` are `{gpu, bootSeconds, policy, number, kind, cost, missRatio}` of one trace, in the order of the GPUs.
 *
 * @param costLabel what `cost` is
 */
export function frontier(points, costLabel) {
  const share = (value, from, to) => Math.log(value / from) / Math.log(to / from);
  const drawn = (missRatio) => Math.max(LEAST, missRatio);
  const costs = points.map(({ cost }) => cost);
  const [cheapest, dearest] = [Math.min(...costs), Math.max(...costs)];
  const gpus = [...new Set(points.map(({ gpu }) => gpu))];
  const labels = gpus.flatMap((gpu) => {
    const once = points.filter((point) => point.gpu === gpu && point.bootSeconds === points[0].bootSeconds);
    const lifts = lifted(once.map(({ cost, missRatio }) => [share(cost, cheapest, dearest), share(drawn(missRatio), LEAST, 1)]));
    return once.map((point, i) => ({ ...point, missRatio: drawn(point.missRatio) / LEAST ** (lifts[i] * NEAR_Y) }));
  });
  return svg({
    height: 420,
    width: 1200,
    marginRight: 60,
    marginTop: 50,
    grid: true,
    x: { type: 'log', label: costLabel, ticks: 5, tickFormat: '~g' },
    y: { type: 'log', label: 'share of requests that missed', domain: [LEAST, 1], tickFormat: '~p' },
    fx: { label: null, domain: gpus },
    color: {
      legend: false,
      domain: ['ours', 'mismeasured', 'peer', 'elsewhere', 'fixed'],
      range: ['#d62728', '#ff9896', '#1f77b4', '#2ca02c', '#999'],
    },
    marks: [
      Plot.ruleY([0.01], { strokeDasharray: '4' }),
      Plot.dot(points, {
        fx: 'gpu',
        x: 'cost',
        y: ({ missRatio }) => drawn(missRatio),
        stroke: 'kind',
        symbol: 'bootSeconds',
        title: ({ policy, bootSeconds, missRatio, cost }) =>
          `${policy}, boot ${bootSeconds} s: ${(missRatio * 100).toFixed(3)} % missed, cost ${cost.toFixed(2)}`,
      }),
      Plot.text(labels, { fx: 'gpu', x: 'cost', y: 'missRatio', text: 'number', fill: 'kind', dy: -11, fontSize: 11, fontWeight: 'bold' }),
    ],
  });
}
