import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { DataContract } from '../../../lib';

/** The contract of the example, as a user has it. */
export const FLIGHTS = join(__dirname, '../../../examples/flight-delays/contracts/flights.odcs.yaml');

/** A document whose parts a test changes; what it is is what the test is about. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Loose = any;

/** A column of a contract. */
export const column = (name: string, logicalType: string, rest: object = {}): Loose => ({ name, logicalType, ...rest });

/** A small contract: a text key and an amount. */
export const orders = (): Loose => ({
  apiVersion: 'v3.1.0',
  kind: 'DataContract',
  id: 'orders',
  version: '1.0.0',
  status: 'active',
  team: { name: 'shop' },
  schema: [
    {
      name: 'orders',
      logicalType: 'object',
      properties: [
        column('id', 'string', { required: true, primaryKey: true }),
        column('amount', 'number', { logicalTypeOptions: { minimum: 0, maximum: 1000 } }),
      ],
    },
  ],
});

const folder = mkdtempSync(join(tmpdir(), 'contracts-'));
let files = 0;

/** Writes a text as a contract's file. */
export function fileOf(text: string): string {
  const file = join(folder, `contract-${++files}.odcs.yaml`);
  writeFileSync(file, text);
  return file;
}

/** The contract of a document, after a change. */
export function contractOf(change: (document: Loose) => void = () => undefined, document: Loose = orders()): DataContract {
  change(document);
  return DataContract.fromFile(fileOf(JSON.stringify(document)));
}

/** The contract of the example, after a change. */
export function flightsWith(change: (document: Loose) => void): DataContract {
  return contractOf(change, parse(readFileSync(FLIGHTS, 'utf8')));
}

/** The contract whose only columns beside the key are these. */
export function contractWith(...columns: Loose[]): DataContract {
  return contractOf((document) => document.schema[0].properties.splice(1, 1, ...columns));
}

/** What the validator reads of a contract. */
export const rulesOf = (contract: DataContract): Loose => JSON.parse(contract._json);

/** Everything that a document is refused for. */
export function refusals(change: (document: Loose) => void, document: Loose = orders()): string[] {
  try {
    contractOf(change, document);
  } catch (error) {
    const match = /^InvalidDataContract: (.*) \[in .*\.odcs\.yaml\]$/s.exec((error as Error).message);
    return match === null ? [`another error: ${(error as Error).message}`] : match[1].split('; ');
  }
  return [];
}
