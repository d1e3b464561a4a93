import { Template } from './assembly';
import { literal } from './template';

/* eslint-disable @typescript-eslint/no-explicit-any -- values of a template are whatever somebody wrote */

/** What stands around a token in `written`: characters that no template holds. */
const [OPEN, CLOSE] = ['\u0001', '\u0002'];
const TOKEN = new RegExp(`${OPEN}([^${CLOSE}]*)${CLOSE}`, 'g');
const token = (name: string) => `${OPEN}${name}${CLOSE}`;

/**
 * One notation for texts that mean the same, be they plain, Ref, Fn::GetAtt, Fn::Join or Fn::Sub: what is known only at deployment becomes
 * a token. Undefined for what is no text.
 */
export function written(value: any): string | undefined {
  if (typeof value !== 'object') {
    return value === undefined ? undefined : String(value);
  }
  if (value === null || Array.isArray(value)) {
    return undefined;
  }
  if (typeof value.Ref === 'string') {
    return token(value.Ref);
  }
  const attribute = value['Fn::GetAtt'];
  if (attribute !== undefined) {
    return token(Array.isArray(attribute) ? attribute.map((part) => literal(part) ?? '?').join('.') : String(attribute));
  }
  const join = value['Fn::Join'];
  if (Array.isArray(join?.[1])) {
    return join[1].map((part: any) => written(part) ?? opaque(part)).join(join[0]);
  }
  const sub = value['Fn::Sub'];
  if (typeof sub === 'string' || typeof sub?.[0] === 'string') {
    return substituted(...((typeof sub === 'string' ? [sub, {}] : sub) as [string, Record<string, any>]));
  }
  return pieceOf(value) ?? (Object.keys(value).some((key) => key.startsWith('Fn::')) ? opaque(value) : undefined);
}

/** One part of an ARN, as CDK takes names out of them: still a token of the resource that has the ARN. */
function pieceOf(value: any): string | undefined {
  const [index, list] = Array.isArray(value['Fn::Select']) ? value['Fn::Select'] : [];
  const split = list?.['Fn::Split'];
  const whole = Array.isArray(split) ? written(split[1]) : undefined;
  const id = whole === undefined ? undefined : idIn(whole);
  return id === undefined ? undefined : token(`${id}.part ${index}`);
}

function substituted(text: string, variables: Record<string, any> = {}): string {
  return text.replaceAll(/\$\{(!?)([^}]*)\}/g, (_, escaped, name) => {
    const key = name.trim();
    return escaped ? `\${${name}}` : key in variables ? (written(variables[key]) ?? opaque(variables[key])) : token(key);
  });
}

/** A function whose value cannot be told, such as Fn::ImportValue: equal to itself only. */
const opaque = (value: any) => token(`?${JSON.stringify(value).replaceAll('/', '|')}`);

/** Whether a text holds anything that is known only at deployment. */
export function open(text: string): boolean {
  return text.includes(OPEN);
}

/** The text with each token replaced: `replace` gets what it names and what stands before it. */
export function fill(text: string, replace: (name: string, before: string) => string): string {
  let [filled, end] = ['', 0];
  for (const match of text.matchAll(TOKEN)) {
    filled += text.slice(end, match.index);
    filled += replace(match[1], filled);
    end = match.index + match[0].length;
  }
  return filled + text.slice(end);
}

/** What the tokens of a text name, in order: `Id`, `Id.Attribute`. */
export function tokens(text: string): string[] {
  return [...text.matchAll(TOKEN)].map((match) => match[1]);
}

/** The logical id that a text consists of, by Ref or Fn::GetAtt. */
export function idIn(text: string): string | undefined {
  const names = tokens(text);
  return names.length === 1 && text === token(names[0]) && !names[0].startsWith('?') ? names[0].split('.')[0] : undefined;
}

/**
 * The resource of a type that a text names: by Ref or attribute, or as its name property says it.
 * Undefined when the template has none.
 */
export function named(text: string | undefined, type: string, nameProperty: string, template: Template): string | undefined {
  if (text === undefined) {
    return undefined;
  }
  const resources = Object.entries(template.Resources ?? {}).filter(([, { Type }]) => Type === type);
  const found = resources.find(([id, { Properties }]) => idIn(text) === id || written(Properties?.[nameProperty]) === text);
  return found?.[0];
}
