import { isUtf8 } from 'node:buffer';
import { STREAM_FOLDER } from '../../lib/constructs/data/contract';
import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { MAXIMUM_RECORD_BYTES } from '../../lib/constructs/data/data-intake/contract';
import { Refusal } from './rules';

/**
 * What a line of a landed batch of a stream holds: one record, whatever its bytes are, and where it stood in the stream. The names are those of
 * CloudEvents (https://github.com/cloudevents/spec/blob/main/cloudevents/formats/json-format.md): `data` is the record as a text, `data_base64`
 * a record that is no UTF-8 text.
 */
export interface Envelope {
  /** `<shard>:<sequence number>`. */
  id: string;
  /** When the stream took it, ISO 8601. */
  time: string;
  data?: string;
  data_base64?: string;
}

/** A control character becomes 6 bytes inside a JSON text; the rest of a line is its position. */
export const MAXIMUM_ENVELOPE_BYTES = 6 * MAXIMUM_RECORD_BYTES + 1024;

/** How the records of a file are framed. */
export type InputFormat = CompiledContract['format'] | 'envelopes';

/** Below the stream folder of a dataset lie batches of its stream, whatever the format of its files is. */
export function inputFormat(contract: Pick<CompiledContract, 'dataset' | 'format'>, key: string): InputFormat {
  return key.startsWith(`${contract.dataset}/${STREAM_FOLDER}/`) ? 'envelopes' : contract.format;
}

/** The line of one record, without its newline. */
export function envelopeOf(id: string, time: Date, bytes: Buffer): string {
  const content = isUtf8(bytes) ? { data: bytes.toString('utf8') } : { data_base64: bytes.toString('base64') };
  const envelope: Envelope = { id, time: time.toISOString(), ...content };
  return JSON.stringify(envelope);
}

/** The record as a text, or why it cannot be read. */
export function recordIn(line: string): string | Refusal {
  const refuse = (rule: string): Refusal => ({ rule, reason: 'the record cannot be read' });
  let envelope: Partial<Envelope> | null;
  try {
    envelope = JSON.parse(line) as Partial<Envelope> | null;
  } catch {
    return refuse('syntax');
  }
  const { data, data_base64: base64 } = envelope ?? {};
  if (typeof data !== 'string') {
    return refuse(base64 === undefined ? 'syntax' : 'invalid UTF-8');
  }
  return Buffer.byteLength(data) > MAXIMUM_RECORD_BYTES ? refuse('too long') : data;
}
