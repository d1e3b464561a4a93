import type { Minute } from './timeline';

interface Line {
  readonly name: string;
  readonly colour: string;
  readonly values: (number | undefined)[];
  /** Drawn as steps, as counts change. */
  readonly steps?: boolean;
}
interface Panel {
  readonly title: string;
  readonly lines: Line[];
}

const [WIDTH, HEIGHT, LEFT, RIGHT, GAP, TOP] = [960, 130, 60, 170, 44, 56];
const [BLUE, ORANGE, GREY, RED] = ['#1f6fb4', '#d95f02', '#8a8a8a', '#c1272d'];
const TICKS = [1, 2, 5, 10, 15, 20, 30, 60];

/** The timeline as a picture (SVG): five panels over one axis of minutes. */
export function picture(minutes: readonly Minute[], title: string): string {
  const panels = panelsOf(minutes);
  const plot = WIDTH - LEFT - RIGHT;
  const height = TOP + panels.length * (HEIGHT + GAP) + 20;
  const x = (minute: number) => LEFT + (plot * minute) / Math.max(1, minutes.length);
  const drawn = panels.map((panel, i) => drawPanel(panel, TOP + i * (HEIGHT + GAP), x, minutes.length));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="white"/>`,
    `<text x="${LEFT}" y="24" font-size="15" font-weight="bold">${escaped(title)}</text>`,
    ...drawn,
    `<text x="${LEFT + plot / 2}" y="${height - 6}" text-anchor="middle" fill="#444">minutes of the platform clock</text>`,
    '</svg>',
    '',
  ].join('\n');
}

const panelsOf = (minutes: readonly Minute[]): Panel[] => [
  {
    title: 'Requests a second',
    lines: [{ name: 'sent', colour: BLUE, values: minutes.map(({ requests }) => requests / 60) }],
  },
  {
    title: 'Failed, of the requests sent in that minute',
    lines: [{ name: 'share, 0 to 1', colour: RED, values: minutes.map(failedShare), steps: true }],
  },
  { title: 'Requests at once', lines: [{ name: 'open', colour: BLUE, values: minutes.map(({ concurrency }) => concurrency) }] },
  {
    title: 'Copies and instances',
    lines: [
      { name: 'copies wanted', colour: GREY, values: minutes.map(({ desiredCopies }) => desiredCopies), steps: true },
      { name: 'instances', colour: ORANGE, values: minutes.map(({ instances }) => instances), steps: true },
      { name: 'copies', colour: BLUE, values: minutes.map(({ copies }) => copies), steps: true },
    ],
  },
  {
    title: 'Seconds, by the minute in which a request was sent',
    lines: [
      { name: 'answer, p99', colour: ORANGE, values: minutes.map(({ answerP99 }) => answerP99) },
      { name: 'answer, p50', colour: BLUE, values: minutes.map(({ answerP50 }) => answerP50) },
      { name: 'first token, p99', colour: RED, values: minutes.map(({ firstTokenP99 }) => firstTokenP99) },
      { name: 'first token, p50', colour: GREY, values: minutes.map(({ firstTokenP50 }) => firstTokenP50) },
    ],
  },
];

/** A share: the few requests that find no copy would not be seen beside those of the traffic. Undefined for a minute without requests. */
const failedShare = ({ requests, failures }: Minute): number | undefined =>
  requests === 0 ? undefined : Object.values(failures).reduce((sum, count) => sum + count, 0) / requests;

function drawPanel({ title, lines }: Panel, top: number, x: (minute: number) => number, minutes: number): string {
  const most = niceMaximum(Math.max(...lines.flatMap(({ values }) => values.map((value) => value ?? 0))));
  const y = (value: number) => top + HEIGHT - (HEIGHT * value) / most;
  const marks = [0, most / 2, most];
  const every = TICKS.find((step) => minutes / step <= 14) ?? 120;
  const ticks = Array.from({ length: Math.floor(minutes / every) + 1 }, (_, i) => i * every);
  return [
    `<text x="${LEFT}" y="${top - 8}" fill="#222">${escaped(title)}</text>`,
    ...marks.map((value) => `<line x1="${LEFT}" x2="${x(minutes)}" y1="${y(value)}" y2="${y(value)}" stroke="#ddd"/>`),
    ...marks.map((value) => `<text x="${LEFT - 6}" y="${y(value) + 4}" text-anchor="end" fill="#444">${value}</text>`),
    ...ticks.map((minute) => `<text x="${x(minute)}" y="${top + HEIGHT + 15}" text-anchor="middle" fill="#444">${minute}</text>`),
    ...lines.map((line) => `<path d="${pathOf(line, x, y)}" fill="none" stroke="${line.colour}" stroke-width="1.8"/>`),
    ...lines.map(
      ({ name, colour }, i) => `<text x="${WIDTH - RIGHT + 12}" y="${top + 14 + i * 17}" fill="${colour}">${escaped(name)}</text>`,
    ),
  ].join('\n');
}

/** A line through the middle of each minute, or steps from its beginning to its end; it breaks where there is no value. */
function pathOf({ values, steps }: Line, x: (minute: number) => number, y: (value: number) => number): string {
  let pen = false;
  return values
    .flatMap((value, minute) => {
      if (value === undefined) {
        pen = false;
        return [];
      }
      const points = steps ? [minute, minute + 1] : [minute + 0.5];
      const drawn = points.map((at, i) => `${pen || i > 0 ? 'L' : 'M'}${x(at).toFixed(1)} ${y(value).toFixed(1)}`);
      pen = true;
      return drawn;
    })
    .join(' ');
}

/** The next of 1, 2, 4, 5 and 10 times a power of ten. */
function niceMaximum(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-9)));
  return value === 0 ? 1 : power * [1, 2, 4, 5, 10].find((step) => step * power >= value)!;
}

const escaped = (text: string): string => text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
