// Charts of docs/capacity-validation.md. Not TypeScript: its two libraries are needed for nothing else, and not for the tests.
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

const SIZE = { width: 720, height: 320, marginLeft: 60, style: { background: 'white', fontFamily: 'sans-serif' } };

export function svg(options) {
  const { document } = parseHTML('<html><body></body></html>');
  const plot = Plot.plot({ ...SIZE, ...options, document });
  const drawing = plot.tagName.toLowerCase() === 'svg' ? plot : plot.querySelector('svg');
  drawing.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `${drawing.outerHTML}\n`;
}

/** Time to the first token by the rate of requests; `points` are `{rate, seconds, percentile}`. */
export const saturation = (points) =>
  svg({
    grid: true,
    x: { label: 'requests a second' },
    y: { type: 'log', label: 'seconds to the first token' },
    marks: [
      Plot.ruleX([6.45], { strokeDasharray: '4' }),
      Plot.text([6.45], { x: (d) => d, text: () => "vidur's 6.45", frameAnchor: 'top', dx: -40 }),
      Plot.line(points, { x: 'rate', y: 'seconds', stroke: 'percentile' }),
      Plot.dot(points, { x: 'rate', y: 'seconds', stroke: 'percentile' }),
      Plot.text(
        points.filter(({ rate }) => rate === points[0].rate),
        { x: 'rate', y: 'seconds', text: 'percentile', textAnchor: 'start', dx: 8, dy: -10 },
      ),
    ],
  });

/** Time from a change of load to what follows, by the second of the minute in which it comes; `points` are `{phase, seconds, name}`. */
export const reaction = (points) =>
  svg({
    grid: true,
    x: { label: 'second of the minute in which the load comes' },
    y: { label: 'seconds until more is asked for', domain: [0, 400] },
    marks: [
      Plot.dot(points, { x: 'phase', y: 'seconds', stroke: 'name' }),
      Plot.text(
        points.filter(({ phase }) => phase === points[0].phase),
        { x: 'phase', y: 'seconds', text: 'name', textAnchor: 'start', dy: -12 },
      ),
    ],
  });
