/** A part of a document whose shape nobody vouches for: the schema of the standard reports what is not as it should be. @internal */
export type Part = { readonly [key: string]: unknown };

/** @internal */
export function part(value: unknown): Part {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Part) : {};
}

/** @internal */
export function parts(value: unknown): Part[] {
  return list(value).map(part);
}

/** @internal */
export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** @internal */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** @internal */
export function finite(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
