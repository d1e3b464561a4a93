/** What can be written in one way only. */
export type Canonical = null | boolean | number | string | readonly Canonical[] | { readonly [name: string]: Canonical | undefined };

/**
 * JSON of RFC 8785: names in the order of their UTF-16 code units, numbers and texts as ECMAScript writes them, no spaces. A name whose value is
 * undefined is left out. Errors: a number or a text that JSON has no form for.
 */
export function canonicalJson(value: Canonical): string {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new Error(`InvalidJson: ${value} is no number of JSON, which has finite ones only: report this as a fault`);
  }
  if (typeof value === 'string' && /\p{Surrogate}/u.test(value)) {
    const text = JSON.stringify(value);
    throw new Error(
      `InvalidJson: a text has half a surrogate pair, which no UTF-8 holds: ${text}: write the names of the dataset's policy in whole characters`,
    );
  }
  if (typeof value !== 'object' || value === null) {
    return JSON.stringify(value);
  }
  if (isList(value)) {
    return `[${value.map(canonicalJson).join(',')}]`;
  }
  const named = Object.entries(value).filter((entry): entry is [string, Canonical] => entry[1] !== undefined);
  const ordered = named.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${ordered.map(([name, of]) => `${canonicalJson(name)}:${canonicalJson(of)}`).join(',')}}`;
}

function isList(value: object): value is readonly Canonical[] {
  return Array.isArray(value);
}
