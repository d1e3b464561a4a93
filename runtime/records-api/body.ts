import { RECORDS_MEDIA, RECORDS_REQUEST } from '../../lib/constructs/data/records-api/contract';
import { Refusal } from '../inference-api/core';
import { bodyOf, Request } from '../inference-api/http';

const ALLOWED = `send ${RECORDS_MEDIA.json} (one object, or an array of objects) or ${RECORDS_MEDIA.lines} (one object on each line)`;

/** What is read where bytes are no UTF-8. */
const REPLACEMENT = '\ufffd';

/**
 * The body as it was sent. Errors: a `Refusal` of one that is not UTF-8, or that may not have been: without a Content-Type a REST API treats it as text
 * (https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings-workflow.html), and nobody can tell the character
 * from what it replaced.
 */
export function textOf(request: Pick<Request, 'body' | 'isBase64Encoded'>): string {
  const text = bodyOf(request);
  if (!request.isBase64Encoded && text.includes(REPLACEMENT)) {
    throw new Refusal(400, `the body has the character U+FFFD, or bytes that are not UTF-8: name its Content-Type, and ${ALLOWED}`);
  }
  return text;
}

/**
 * The records of a body as texts, in their order and character by character as they were sent: written again, a number could become another.
 * Errors: a `Refusal`; nothing of the body was taken then.
 */
export function recordsIn(body: string, contentType: string = RECORDS_MEDIA.json): string[] {
  const bytes = Buffer.byteLength(body);
  if (bytes > RECORDS_REQUEST.bytes) {
    throw new Refusal(413, `the body has ${bytes} bytes, the limit is ${RECORDS_REQUEST.bytes}: send fewer records in one request`);
  }
  const records = split(body, contentType);
  if (records.length === 0) {
    throw new Refusal(400, `the body holds no record: ${ALLOWED}, 1 to ${RECORDS_REQUEST.records} records`);
  }
  if (records.length > RECORDS_REQUEST.records) {
    throw new Refusal(413, `the body holds ${records.length} records, the limit is ${RECORDS_REQUEST.records}: send fewer in one request`);
  }
  return records;
}

function split(body: string, contentType: string): string[] {
  const media = contentType.split(';')[0].trim().toLowerCase();
  if (media === RECORDS_MEDIA.lines) {
    return body.split('\n').filter((line) => line.trim() !== '');
  }
  if (media !== RECORDS_MEDIA.json) {
    throw new Refusal(415, `the content type is '${media}': ${ALLOWED}`);
  }
  if (body.trim() === '') {
    return [];
  }
  const value = parsed(body);
  if (typeof value !== 'object' || value === null) {
    throw new Refusal(400, `the body is a JSON ${value === null ? 'null' : typeof value}: ${ALLOWED}`);
  }
  return Array.isArray(value) ? elementsOf(body) : [body];
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new Refusal(400, `the body is not JSON: ${ALLOWED}`);
  }
}

/** The elements of a JSON array as they are written. The text was parsed before, so that brackets and quotes are known to match. */
function elementsOf(text: string): string[] {
  const elements: string[] = [];
  let start = text.indexOf('[') + 1;
  const take = (end: number) => {
    const element = text.slice(start, end).trim();
    if (element !== '') {
      elements.push(element);
    }
    start = end + 1;
  };
  let [depth, quoted] = [0, false];
  for (let i = start; depth >= 0; i++) {
    const character = text[i];
    if (quoted) {
      i += character === '\\' ? 1 : 0;
      quoted = character !== '"';
    } else if (character === '"') {
      quoted = true;
    } else if (character === '{' || character === '[') {
      depth++;
    } else if (character === '}' || character === ']') {
      depth--;
    }
    if (depth < 0 || (depth === 0 && !quoted && character === ',')) {
      take(i);
    }
  }
  return elements;
}
