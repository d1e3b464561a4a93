/**
 * What requests that are sent at a moment, unix time in seconds, state as their priority: vLLM serves lower values first and those of one value in order of
 * arrival, so the newest window comes first (docs/capacity-file.md).
 */
export const priorityAt = (seconds: number, windowSeconds: number): number => -Math.floor(seconds / windowSeconds);

/**
 * The bodies as they are given, each a JSON object, without their end: `prioritized` ends them. Errors: a body that is no JSON object, or states a priority
 * itself.
 */
export function openBodies(bodies: readonly Uint8Array[]): string[] {
  return bodies.map((body, i) => {
    const text = Buffer.from(body).toString('utf8').trim();
    const fields = objectOf(text);
    if (fields === undefined) {
      throw new Error(
        `--priority-window states a field of each body, so bodies must be JSON objects: number ${i + 1} of --request is '${start(text)}'`,
      );
    }
    if (Object.hasOwn(fields, 'priority')) {
      throw new Error(
        `--priority-window states the priority of each body, and number ${i + 1} of --request has one of ${JSON.stringify(fields.priority)}: take it out`,
      );
    }
    return `${text.slice(0, -1)}${Object.keys(fields).length === 0 ? '' : ','}`;
  });
}

/** The body with a priority; numbers and spaces of the rest stay as they are. */
export const prioritized = (open: string, priority: number): Uint8Array => Buffer.from(`${open}"priority":${priority}}`);

function objectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

const start = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}...` : text);
