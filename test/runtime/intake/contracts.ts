import { CompiledColumn, CompiledContract } from '../../../lib/constructs/data/data-contract/contract';

export const column = (name: string, type: CompiledColumn['type'], over: Partial<CompiledColumn> = {}): CompiledColumn => ({
  name,
  type,
  required: false,
  ...over,
});

/** A contract with a column of each type. */
export const ORDERS: CompiledContract = {
  dataset: 'orders',
  version: '1.0.0',
  format: 'csv',
  columns: [
    column('id', 'integer', { required: true, minimum: 1, maximum: 1000 }),
    column('name', 'string', { pattern: '^[A-Za-zäé ",\\n]*$', maxLength: 12 }),
    column('amount', 'number', { minimum: -1e9, maximum: 1e300 }),
    column('day', 'date'),
    column('at', 'timestamp'),
    column('paid', 'boolean'),
    column('country', 'string', { allowed: ['DE', 'FR'] }),
  ],
  nullTokens: ['NA'],
  primaryKey: ['id'],
};

export const HEADER = 'id,name,amount,day,at,paid,country';
export const row = (id: number | string, over: Record<string, string> = {}): string => {
  const values: Record<string, string> = {
    ...{ id: String(id), name: 'Ann', amount: '1.5', day: '2013-02-28', at: '2013-02-28T10:00:00Z', paid: 'true', country: 'DE' },
    ...over,
  };
  return HEADER.split(',')
    .map((name) => values[name])
    .join(',');
};
