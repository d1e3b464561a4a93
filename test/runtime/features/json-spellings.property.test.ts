import fc from 'fast-check';
import { CompiledContract } from '../../../lib/constructs/data/data-contract/contract';
import type { AggregateDefinition } from '../../../lib/constructs/data/features/contract';
import { entityOf, observationOf } from '../../../runtime/features/core';
import { envelopeOf } from '../../../runtime/intake/envelope';
import { EntityKey } from '../../../runtime/stream/entity-key';
import { RecordJudge } from '../../../runtime/stream/record-judge';
import { runs } from '../../support/property-runs';
import { column } from '../intake/contracts';
import { offline } from './offline';

/** JSON writes a number in many ways, all of which a contract takes, and JSON Lines keep them: both engines must read the same in them. [D8] */
const CONTRACT: CompiledContract = {
  ...{ dataset: 'sales', version: '1.0.0', format: 'jsonl', nullTokens: [], primaryKey: ['shop'] },
  columns: [column('shop', 'integer', { required: true }), column('at', 'timestamp', { required: true })],
};
const AT = '2024-01-01T00:00:00Z';
const COUNT: AggregateDefinition = {
  ...{ name: 'number', dataset: 'sales', entity: ['shop'], integers: ['shop'], function: 'count', windowSeconds: 60, leadSeconds: 0 },
  ...{ eventTime: { column: 'at', plusMinutes: [] }, asOf: { column: 'at', plusMinutes: [] }, nullTokens: [] },
};

/** A number written with its decimal point moved by an exponent, and zeros behind. Made of digits alone: no number is computed. */
const spelling = fc
  .record({
    digits: fc.oneof(
      fc.integer({ min: 0, max: 20 }).map(String),
      fc.maxSafeInteger().map((value) => String(Math.abs(value))),
      fc.constantFrom('9007199254740991', '1000000', '120'),
    ),
    minus: fc.constantFrom('', '-'),
    shift: fc.integer({ min: -3, max: 20 }),
    zeros: fc.integer({ min: 0, max: 3 }),
    mark: fc.constantFrom('e', 'E', 'e+', 'E+'),
  })
  .map(({ digits, minus, shift, zeros, mark }) => {
    const shop = digits === '0' ? '0' : minus + digits;
    if (shift <= 0) {
      const point = zeros === 0 ? '' : `.${'0'.repeat(zeros)}`;
      return {
        shop,
        text: shift === 0 || digits === '0' ? `${minus}${digits}${point}` : `${minus}${digits}${'0'.repeat(-shift)}${point}e${shift}`,
      };
    }
    const all = digits.padStart(shift + 1, '0');
    return { shop, text: `${minus}${all.slice(0, -shift)}.${all.slice(-shift)}${'0'.repeat(zeros)}${mark}${shift}` };
  });

const judge = new RecordJudge(CONTRACT);

/** The record as a stream brings it, which must be valid. */
function received(text: string): Record<string, unknown> {
  const verdict = judge.judge(envelopeOf('s:1', new Date(0), Buffer.from(`{"shop":${text},"at":"${AT}"}`)));
  expect(verdict).toHaveProperty('record');
  return (verdict as { record: Record<string, unknown> }).record;
}

test('an integer names one entity in every spelling, online and in training', () => {
  const all = [...fc.sample(spelling, runs(500)), ...['7', '7.0', '70e-1'].map((text) => ({ shop: '7', text }))];
  const online = all.map(({ text }) => entityOf(COUNT, received(text)));
  expect(online).toEqual(all.map(({ shop }) => JSON.stringify([shop])));
  const shops = [...new Set(all.map(({ shop }) => shop))];
  const counts = shops.map((shop) => all.filter((one) => one.shop === shop).length);
  const reads = shops.map((shop): [string[], number] => [[shop], Date.parse(AT)]);
  const records = all.map(({ text }) => [text, AT]);
  expect(offline([{ definition: COUNT, columns: ['shop', 'at'], records, reads }])).toEqual([counts]);
  const key = new EntityKey(CONTRACT, ['shop']);
  expect(all.map(({ text }) => key.of({ shop: text }))).toEqual(online);
});

test.each([
  [
    ['-9', '0', '-0.5', '1e+21', 'NA'],
    [-9, 0, -0.5, 1e21],
  ],
  // No number has one of these texts in ECMAScript, so the intake takes none for them.
  [['-9.0', '1e21', '.5', '01', 'NaN', 'Infinity', '-0.50'], []],
])('of the null tokens %j the numbers %j are no value, in every spelling, online and in training', (nullTokens, nullNumbers) => {
  const amounts = ['-9', '-9.0', '-90e-1', '0', '0.0', '0e5', '-0.5', '-0.50', '-5e-1', '1e21', '1000000000000000000000', '9', '1', '0.05'];
  const contract: CompiledContract = { ...CONTRACT, nullTokens, columns: [...CONTRACT.columns, column('amount', 'number')] };
  const parsed = (amount: string) => JSON.parse(`{"shop":1,"at":"${AT}","amount":${amount}}`) as Record<string, unknown>;
  const definition: AggregateDefinition = { ...COUNT, value: 'amount', nullTokens, nullNumbers };
  const counted = amounts.map((amount) => observationOf(definition, parsed(amount)) !== undefined);
  expect(counted).toEqual(amounts.map((amount) => !nullNumbers.includes(Number(amount))));
  const required = { ...contract, columns: contract.columns.map((one) => ({ ...one, required: true })) };
  const verdicts = amounts.map((amount) =>
    new RecordJudge(required).judge(envelopeOf('s:1', new Date(0), Buffer.from(JSON.stringify(parsed(amount))))),
  );
  expect(verdicts.map((verdict) => 'record' in verdict)).toEqual(counted);
  const cases = amounts.map((amount) => ({
    definition,
    columns: ['shop', 'at', 'amount'],
    records: [['1', AT, amount]],
    reads: [[['1'], Date.parse(AT)]] as [string[], number][],
  }));
  expect(offline(cases)).toEqual(counted.map((one) => [Number(one)]));
});

test('a text is no number: its spelling tells entities apart', () => {
  const texts = { ...COUNT, integers: undefined };
  const reads = ['7', '7.0', '70e-1'].map((shop): [string[], number] => [[shop], Date.parse(AT)]);
  const records = [...reads, reads[1]].map(([[shop]]) => [shop, AT]);
  const { integers: _, ...definition } = texts;
  expect(offline([{ definition, columns: ['shop', 'at'], records, reads }])).toEqual([[1, 2, 1]]);
  expect(reads.map(([[shop]]) => entityOf(texts, { shop }))).toEqual(['["7"]', '["7.0"]', '["70e-1"]']);
  const key = new EntityKey({ ...CONTRACT, columns: [column('shop', 'string')] }, ['shop']);
  expect(reads.map(([[shop]]) => key.of({ shop }))).toEqual(['["7"]', '["7.0"]', '["70e-1"]']);
});
