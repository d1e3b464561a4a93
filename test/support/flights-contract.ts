import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { CompiledColumn, CompiledContract } from '../../lib/constructs/data/data-contract/contract';

interface Property {
  name: string;
  logicalType: CompiledColumn['type'];
  required: boolean;
  primaryKey?: boolean;
  logicalTypeOptions?: { minimum?: number; maximum?: number; pattern?: string };
  quality?: { arguments: { validValues: string[] } }[];
}

/** The example's contract, compiled by hand: a second reading of it beside the library's. */
export function flightsContract(): CompiledContract {
  const file = join(__dirname, '../../examples/flight-delays/contracts/flights.odcs.yaml');
  const { schema } = parse(readFileSync(file, 'utf8')) as { schema: { properties: Property[] }[] };
  const { properties } = schema[0];
  return {
    dataset: 'flights',
    version: '1.0.0',
    format: 'csv',
    nullTokens: ['NA'],
    newlinesQuoted: false,
    primaryKey: properties.filter(({ primaryKey }) => primaryKey).map(({ name }) => name),
    columns: properties.map(({ name, logicalType, required, logicalTypeOptions: options, quality }) => ({
      name,
      type: logicalType,
      required,
      minimum: options?.minimum,
      maximum: options?.maximum,
      pattern: options?.pattern,
      allowed: quality?.[0].arguments.validValues,
    })),
  };
}
