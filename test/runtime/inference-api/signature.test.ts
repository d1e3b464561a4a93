import { signatureOf, signatureProblems } from '../../../runtime/inference-api/signature';
import { requestBody, setting } from '../prediction-books/setting';

const tensor = (name: string, datatype: string, data: unknown, shape: unknown = [Array.isArray(data) ? data.length : 1]) => ({
  ...{ name, datatype, shape, data },
});
const signature = {
  inputs: [
    { name: 'weekday', datatype: 'INT32', shape: [-1] },
    { name: 'distance', datatype: 'FP64', shape: [-1] },
    { name: 'carrier', datatype: 'BYTES', shape: [-1] },
  ],
  outputs: [],
};
const good = () => [tensor('weekday', 'INT32', [1]), tensor('distance', 'FP64', [733.5]), tensor('carrier', 'BYTES', ['UA'])];
const problems = (inputs: unknown) => signatureProblems({ inputs }, signature);
const errorOf = ({ body }: { body: string }) => JSON.parse(body).error as string;

describe('a request against the signature of its model [I2]', () => {
  test('fits when it brings each input, in any order and for several rows', () => {
    expect(problems(good())).toEqual([]);
    expect(problems(good().reverse())).toEqual([]);
    expect(
      problems([tensor('weekday', 'INT32', [1, 7]), tensor('distance', 'FP64', [1, 2]), tensor('carrier', 'BYTES', ['', 'é'])]),
    ).toEqual([]);
  });

  test.each<[string, unknown[], string]>([
    ['a missing input', good().slice(0, 2), "input 'carrier' (BYTES) is missing"],
    ['an unknown input', [...good(), tensor('zzz', 'FP64', [1])], "there is no input 'zzz': the model takes weekday, distance, carrier"],
    ['a misspelt input', [...good(), tensor('distanc', 'FP64', [1])], "there is no input 'distanc': did you mean 'distance'?"],
    ['another datatype', [...good().slice(1), tensor('weekday', 'INT64', [1])], "input 'weekday' must be INT32, got INT64"],
    [
      'another rank',
      [...good().slice(1), tensor('weekday', 'INT32', [[1]], [1, 1])],
      "input 'weekday' must have the shape [-1] (-1 is any length), got [1, 1]",
    ],
    [
      'a wrong value',
      [...good().slice(1), tensor('weekday', 'INT32', [1, 1.5, 'x'])],
      "input 'weekday' must hold whole numbers from -2147483648 to 2147483647, got 1.5 at position 1, and 1 more like it",
    ],
  ])('fails on %s and says what is allowed', (_, inputs, problem) => {
    expect(problems(inputs)).toEqual([problem]);
  });

  test('leaves to the protocol what breaks the protocol', () => {
    expect(problems([...good().slice(1), { name: 'weekday', datatype: 'INT', shape: 1, data: 'x' }])).toEqual([]);
    expect(problems([...good(), 1, { name: 5 }])).toEqual([]);
    expect([signatureProblems([], signature), problems(undefined)]).toEqual([[], []]);
  });

  test('a length that the signature fixes must be that length', () => {
    const of = (data: number[]) =>
      signatureProblems(
        { inputs: [tensor('image', 'FP32', data, [2, data.length / 2])] },
        { inputs: [{ name: 'image', datatype: 'FP32', shape: [-1, 3] }], outputs: [] },
      );
    expect(of([1, 2, 3, 4, 5, 6])).toEqual([]);
    expect(of([1, 2, 3, 4])).toEqual(["input 'image' must have the shape [-1, 3] (-1 is any length), got [2, 2]"]);
  });

  test("'constructor' is a model name without a signature", () => {
    expect(signatureOf({ delay: signature }, 'delay')).toBe(signature);
    expect([signatureOf({}, 'constructor'), signatureOf({}, undefined)]).toEqual([undefined, undefined]);
  });
});

describe('values of a datatype', () => {
  const takes = (datatype: string, value: unknown) =>
    signatureProblems({ inputs: [tensor('x', datatype, [value])] }, { inputs: [{ name: 'x', datatype, shape: [-1] }], outputs: [] })[0];

  test.each<[string, unknown[], unknown[]]>([
    ['BOOL', [true, false], [0, 1, 'true', null]],
    ['BYTES', ['', 'UA'], [1, null, true, {}]],
    ['INT8', [-128, 127, 0], [-129, 128, 0.5, '1', true, null]],
    ['INT16', [-32768, 32767], [-32769, 32768]],
    ['INT32', [-2147483648, 2147483647, 5.0], [-2147483649, 2147483648, 1.5]],
    ['INT64', [-(2 ** 63), 2 ** 53 + 2, 2 ** 63], [-(2 ** 63) - 2048, 2 ** 63 + 2048]],
    ['UINT8', [0, 255], [-1, 256]],
    ['UINT16', [0, 65535], [-1, 65536]],
    ['UINT32', [0, 4294967295], [-1, 4294967296]],
    ['UINT64', [0, 2 ** 64], [-1, 2 ** 64 + 4096]],
    ['FP16', [-65504, 65519], [65520, Infinity]],
    ['BF16', [3.38e38], [3.4e38]],
    ['FP32', [3.4028235e38, -3.4028235e38], [3.4028236e38, 1e39]],
    ['FP64', [1.7e308, 0, 1], [Infinity, -Infinity, '1', null, true]],
  ])('of %s are taken up to both edges and not beyond', (datatype, good, bad) => {
    expect(good.map((value) => takes(datatype, value))).toEqual(good.map(() => undefined));
    expect(bad.map((value) => takes(datatype, value))).toEqual(bad.map(() => expect.stringContaining("input 'x' must hold")));
  });

  test.each([
    ['INT64', 1.5, 'whole numbers from -9223372036854775808 to 9223372036854775807, got 1.5'],
    ['UINT64', -1, 'whole numbers from 0 to 18446744073709551615, got -1'],
    ['FP64', Infinity, 'finite numbers, got Infinity'],
    ['FP16', 65520, 'finite numbers below 65520 in size, got 65520'],
    ['BOOL', 'x'.repeat(99), `true or false, got "${'x'.repeat(39)} at`],
  ])('are explained for %s', (datatype, value, text) => {
    expect(takes(datatype, value)).toContain(text);
  });
});

describe('the API with a signature', () => {
  const withSignature = (over = {}) => setting({ signatures: { delay: { ...signature, inputs: signature.inputs.slice(1, 2) } }, ...over });

  test('fails with 400 and every problem at once, and asks no model', async () => {
    const s = withSignature();
    const answer = await s.infer(requestBody({ id: 'a/b' }));
    expect(answer.statusCode).toBe(400);
    expect(errorOf(answer)).toMatch(
      /^'id' must be 1 to 64 .*; input 'distance' \(FP64\) is missing; there is no input 'risk': the model takes distance$/,
    );
    expect([s.calls, s.measured]).toEqual([[], {}]);
  });

  test('fails with 400 on a number that no double holds', async () => {
    const body = '{"inputs":[{"name":"distance","datatype":"FP64","shape":[1],"data":[1e999]}]}';
    expect(errorOf(await withSignature().infer(body))).toContain("input 'distance' must hold finite numbers, got Infinity at position 0");
  });

  test('asks the model of a request that fits, and every model without a signature as before', async () => {
    const s = withSignature();
    expect((await s.infer({ inputs: [tensor('distance', 'FP64', [1])] })).statusCode).toBe(200);
    expect((await s.infer(requestBody(), 'fare')).statusCode).toBe(200);
    expect((await s.infer(requestBody(), 'constructor')).statusCode).toBe(200);
  });
});

describe('what the container refused [I7]', () => {
  const refusing = (more: object) =>
    setting({
      invoke: () =>
        Promise.reject(
          Object.assign(new Error('Received client error (400) from primary with message "..."'), {
            ...{ name: 'ModelError', OriginalStatusCode: 400, $metadata: { httpStatusCode: 424 } },
            ...more,
          }),
        ),
    });

  test.each([
    [{ OriginalMessage: '{"error":"input \'distance\' must be between 1 and 6000"}' }, "input 'distance' must be between 1 and 6000"],
    [{ OriginalMessage: 'no such flight' }, 'no such flight'],
    [{ OriginalMessage: '{"detail":"x"}' }, '{"detail":"x"}'],
    [{ OriginalMessage: 'null' }, 'null'],
    [{}, 'Received client error (400) from primary with message "..."'],
  ])('%j is answered 400 with its reason and nothing is counted', async (more, reason) => {
    const s = refusing(more);
    const answer = await s.infer(requestBody());
    expect([answer.statusCode, errorOf(answer)]).toEqual([400, `the model refused the request: ${reason}`]);
    expect(s.measured).toEqual({});
  });
});
