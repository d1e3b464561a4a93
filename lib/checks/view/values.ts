/** Reading of resolved properties: whatever is known only at deployment is neither absent nor a value. */

/** What stands around a token in `written`: characters that no template holds. */
const [OPEN, CLOSE] = ['\u0001', '\u0002'];
/** Stands for '/' inside a token, so that the parts of an id can be told. */
const SLASH = '\u0003';

/** A token of a resource's attribute, as `written` shows it; `Ref` is an attribute too. @internal */
export const tokenOf = (path: string, attribute: string): string => `${OPEN}${path.replaceAll('/', SLASH)}|${attribute}${CLOSE}`;

/** Whether a value is an intrinsic function. @internal */
export function isIntrinsic(value: unknown): value is Record<string, unknown> {
  const keys = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
  return keys.length === 1 && (keys[0] === 'Ref' || keys[0].startsWith('Fn::'));
}

/** A member of nested objects: undefined when it is absent, the intrinsic function itself when the way to it is known only at deployment. @internal */
export function get(value: unknown, ...keys: string[]): unknown {
  let current = value;
  for (const key of keys) {
    if (isIntrinsic(current) || typeof current !== 'object' || current === null) {
      return isIntrinsic(current) ? current : undefined;
    }
    current = Object.hasOwn(current, key) ? (current as Record<string, unknown>)[key] : undefined;
  }
  return current;
}

/** A plain value; undefined for anything else. @internal */
export function literal(value: unknown): string | undefined {
  return ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : undefined;
}

/** A plain number, or a text that is one, as CloudFormation takes both. @internal */
export function numeric(value: unknown): number | undefined {
  const plain = literal(value);
  return plain === undefined || plain.trim() === '' || Number.isNaN(Number(plain)) ? undefined : Number(plain);
}

/** The members of a list, or the one value that stands for a list of one; none when absent; undefined when known only at deployment. @internal */
export function entries(value: unknown): unknown[] | undefined {
  if (value === undefined || value === null) {
    return [];
  }
  return isIntrinsic(value) ? undefined : Array.isArray(value) ? value : [value];
}

/** One notation for texts that mean the same: plain, Ref, Fn::GetAtt, Fn::Join or Fn::Sub. Undefined for what is no text. @internal */
export function written(value: unknown): string | undefined {
  if (!isIntrinsic(value)) {
    return literal(value);
  }
  const [[name, inner]] = Object.entries(value);
  if (name === 'Ref') {
    return typeof inner === 'string' && inner.startsWith(OPEN) ? inner : tokenOf(String(inner), 'Ref');
  }
  if (name === 'Fn::GetAtt') {
    const [id, ...attribute] = Array.isArray(inner) ? inner.map(String) : String(inner).split('.');
    return tokenOf(id, attribute.join('.'));
  }
  if (name === 'Fn::Join' && Array.isArray(inner) && Array.isArray(inner[1])) {
    return inner[1].map((part) => written(part) ?? opaque(part)).join(String(inner[0]));
  }
  return name === 'Fn::Sub' ? substituted(inner) : (pieceOf(inner) ?? opaque(value));
}

/** A function whose value cannot be told: equal to itself only. */
const opaque = (value: unknown): string => tokenOf(`?${JSON.stringify(value)?.replaceAll(/[\u0001\u0002/]/g, '~')}`, '');

function substituted(inner: unknown): string {
  const [text, variables] = Array.isArray(inner) ? [String(inner[0]), inner[1]] : [String(inner), undefined];
  return text.replaceAll(/\$\{(!?)([^}]*)\}/g, (_, escaped: string, key: string) => {
    const given = get(variables, key.trim());
    const [id, ...attribute] = key.trim().split('.');
    return escaped
      ? `\${${key}}`
      : given !== undefined
        ? (written(given) ?? opaque(given))
        : tokenOf(id, attribute.length > 0 ? attribute.join('.') : 'Ref');
  });
}

/** One part of an ARN, as CDK takes names out of them: still a token of the resource that has the ARN. */
function pieceOf(inner: unknown): string | undefined {
  const split = Array.isArray(inner) ? get(inner[1], 'Fn::Split') : undefined;
  const whole = Array.isArray(split) ? written(split[1]) : undefined;
  const resource = whole === undefined ? undefined : resourceIn(whole);
  return resource === undefined || !Array.isArray(inner) ? undefined : tokenOf(resource.path, `part ${String(inner[0])}`);
}

/** Whether a text holds anything that is known only at deployment. @internal */
export const isOpen = (text: string): boolean => text.includes(OPEN);

/** The resource that a text consists of, and which of its attributes. @internal */
export function resourceIn(text: string): { path: string; attribute: string } | undefined {
  const [, path, attribute] = new RegExp(`^${OPEN}([^${OPEN}${CLOSE}|]*)\\|([^${OPEN}${CLOSE}]*)${CLOSE}$`).exec(text) ?? [];
  return path === undefined || path.startsWith('?') ? undefined : { path: path.replaceAll(SLASH, '/'), attribute };
}

/** Paths or logical ids of everything that a text refers to. @internal */
export const resourcesIn = (text: string): string[] =>
  [...text.matchAll(new RegExp(`${OPEN}([^${OPEN}${CLOSE}|]*)\\|`, 'g'))].map(([, path]) => path.replaceAll(SLASH, '/'));

/** Visits every intrinsic function inside a value, outermost first. @internal */
export function visitIntrinsics(value: unknown, visit: (intrinsic: Record<string, unknown>) => void): void {
  if (isIntrinsic(value)) {
    visit(value);
  }
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach((child) => visitIntrinsics(child, visit));
  }
}
