import fc from 'fast-check';
import { KeptRequests } from '../../capacity/traces/kept-requests';
import { listed, ListSource } from './support';

const request = fc.record({
  at: fc.double({ min: 0, max: 1e6, noNaN: true }),
  prompt: fc.integer({ min: 0, max: 1e6 }),
  output: fc.oneof(fc.integer({ min: 1, max: 1e6 }), fc.double({ min: 0.001, max: 100, noNaN: true })),
});

test('kept requests are those of their source, each time that they are gone through', () => {
  fc.assert(
    fc.property(fc.array(request, { maxLength: 30 }), (requests) => {
      const kept = new KeptRequests(new ListSource(requests));
      expect([listed(kept.open()), listed(kept.open())]).toEqual([requests, requests]);
    }),
  );
});

test('any number is kept, and two who read at the same time do not disturb each other', () => {
  const many = Array.from({ length: 5000 }, (_, place) => ({ at: place / 3, prompt: place, output: 5000 - place }));
  const kept = new KeptRequests(new ListSource(many));
  const [one, other] = [kept.open(), kept.open()];
  one.next();
  one.next();
  expect(listed(other)).toEqual(many);
  expect([one.at, one.prompt, one.output]).toEqual([1 / 3, 1, 4999]);
  expect(listed(one)).toEqual(many.slice(2));
});
