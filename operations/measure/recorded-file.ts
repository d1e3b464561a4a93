import { Arrivals, recorded } from './arrivals';

const FEWEST = 100;
const FORMS = 'one time a line: seconds, or ISO 8601; or the CSV of the Azure traces, which starts with TIMESTAMP';

/**
 * Arrivals of a file: one time a line, seconds or ISO 8601; or a CSV whose first column is TIMESTAMP, as the Azure LLM inference traces have it
 * (TIMESTAMP,ContextTokens,GeneratedTokens; https://github.com/Azure/AzurePublicDataset/blob/master/AzureLLMInferenceDataset2023.md). Times alone are taken, not the token counts:
 * what is sent comes from the request file. Errors: `InvalidArrivals` with the line.
 */
export function recordedFrom(name: string, content: string): Arrivals {
  const lines = content.split(/\r?\n/);
  const fail = (problem: string): never => {
    throw new Error(`InvalidArrivals: ${name}: ${problem}: it must have ${FORMS}`);
  };
  const times = lines.flatMap((line, i) => {
    if (line.trim() === '' || (i === 0 && /^TIMESTAMP\b/i.test(line))) {
      return [];
    }
    const time = timeOf(line.split(',')[0].trim());
    return Number.isFinite(time) ? [time] : fail(`line ${i + 1} has no time, got '${line.slice(0, 40)}'`);
  });
  if (times.length < FEWEST) {
    fail(`it has ${times.length} arrivals, and a record needs ${FEWEST}`);
  }
  const sorted = Float64Array.from(times).sort();
  if (sorted[0] === sorted[sorted.length - 1]) {
    fail('all arrivals have the same time');
  }
  return recorded(name, sorted);
}

/** Milliseconds. `Date` reads three decimals of a second; the traces have seven. */
function timeOf(text: string): number {
  if (/^[-+]?[\d.]+(e[-+]?\d+)?$/i.test(text)) {
    return Number(text) * 1000;
  }
  const [, whole, fraction = '', zone = ''] = /^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(\.\d+)?(Z|[-+]\d\d:?\d\d)?$/.exec(text) ?? [];
  return whole === undefined ? NaN : Date.parse(`${whole.replace(' ', 'T')}${zone === '' ? 'Z' : zone}`) + Number(`0${fraction}`) * 1000;
}
