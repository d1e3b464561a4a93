import { DriftingSource, drifted, mixAt, MIXES } from '../../capacity/traces/drift';
import { ListSource, listed } from './support';

const TABLE = { prompts: [500, 1500], outputs: [100, 300] };
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

test('lengths drift from short prompts with long answers to the other end and back within a day', () => {
  const hours = Array.from({ length: 24 }, (_, hour) => mixAt(hour * 3600));
  expect(hours).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0]);
  expect(mixAt(86_400 + 3600)).toBe(0);
  const ends = [0, MIXES - 1].map((mix) => drifted(TABLE, mix));
  expect(ends.map(({ prompts }) => Math.floor(mean(prompts)))).toEqual([360, 2077]);
  // Whole tokens: half a token more at most.
  expect(ends.map(({ outputs }) => Math.floor(mean(outputs) - 0.5))).toEqual([315, 45]);
});

test('a drifting source changes lengths alone, each request by the mix of its time', () => {
  const requests = [0, 7200, 43_199, 86_399].map((at, place) => ({
    at,
    prompt: TABLE.prompts[place % 2],
    output: TABLE.outputs[place % 2],
  }));
  const drifting = listed(new DriftingSource(new ListSource(requests), TABLE));
  const expected = requests.map(({ at }, place) => {
    const { prompts, outputs } = drifted(TABLE, mixAt(at));
    return { at, prompt: prompts[place % 2], output: outputs[place % 2] };
  });
  expect(drifting).toEqual(expected);
});

test('no request becomes shorter than a token', () => {
  const [request] = listed(
    new DriftingSource(new ListSource([{ at: 43_000, prompt: 1, output: 1 }]), { prompts: [1, 9999], outputs: [1, 9999] }),
  );
  expect([request.prompt, request.output]).toEqual([1, 1]);
});
