import { fittingChunk } from '../../capacity/profiles/objective';
import { PROFILED_INSTANCES, profileNamed, profileOf } from '../../capacity/profiles/profile';

test('each profiled instance type has room for keys and values as computed by hand', () => {
  const tokens = (type: string) => profileNamed(`llama-3-8b@${type}`).service.kvTokens;
  // 0.9 x memory - 16.06 GB of weights - 1.2 GiB, by 128 KiB a token.
  const byHand = (mib: number) => Math.floor((mib * 0.9 * 2 ** 20 - 16.06e9 - 1.2 * 2 ** 30) / 131_072);
  expect(tokens('ml.g5.2xlarge')).toBe(byHand(22_888));
  expect(tokens('ml.g6e.xlarge')).toBe(byHand(45_776));
  expect(tokens('ml.p4d.24xlarge')).toBe(byHand(40_960));
  expect(tokens('ml.p5.48xlarge')).toBe(byHand(81_920));
});

test('profiles know GPUs and price of an instance, and faster GPUs are faster', () => {
  const named = ['ml.g6.2xlarge', 'ml.g5.2xlarge', 'ml.g6e.2xlarge', 'ml.p4d.24xlarge', 'ml.p5.48xlarge'].map((type) =>
    profileNamed(`llama-3-8b@${type}`),
  );
  expect(named.map(({ gpus }) => gpus)).toEqual([1, 1, 1, 8, 8]);
  expect(named.map(({ usdPerHour }) => usdPerHour)).toEqual([1.222, 1.515, 2.8, 25.2513, 63.296]);
  const alone = named.map(({ service }) => service.iterationSeconds[1]);
  expect(alone).toEqual([...alone].sort((a, b) => b - a));
});

test('the A100 with 80 GB is another one than that with 40 GB', () => {
  const [small, large] = ['ml.p4d.24xlarge', 'ml.p4de.24xlarge'].map((type) => profileNamed(`llama-3-8b@${type}`).service);
  expect(large.iterationSeconds[1]).toBeCloseTo(0.0098, 12);
  expect(small.iterationSeconds[1]).toBeGreaterThan(0.012);
});

test.each([
  ['llama-3-8b', "UnknownProfile: 'llama-3-8b' is not MODEL@INSTANCE, such as llama-3-8b@ml.g5.2xlarge"],
  ['llama-3-8@ml.g5.2xlarge', "UnknownProfile: model 'llama-3-8' is not profiled: did you mean 'llama-3-8b'?"],
  ['llama-3-8b@ml.g5.2xlarg', "UnknownProfile: instance type 'ml.g5.2xlarg' is not profiled: did you mean 'ml.g5.2xlarge'?"],
  ['x@y', "UnknownProfile: model 'x' is not profiled: use one of llama-3-8b; instance type 'y' is not profiled: use one of ml.g5"],
])('fails on the profile %s', (name, message) => {
  expect(() => profileNamed(name)).toThrow(message);
});

test('fails on a model that a GPU has no room for, with both sizes', () => {
  const large = { parametersBillions: 13, bytesPerParameter: 2, kvBytesPerToken: 819_200 };
  expect(() => profileOf('large', large, 'ml.g5.2xlarge')).toThrow(
    "ModelTooLarge: the weights of 'large' take 24.2 GiB, a GPU of ml.g5.2xlarge has 22.4 GiB",
  );
  expect(profileOf('large', large, 'ml.g6e.xlarge').service.kvTokens).toBeGreaterThan(1000);
});

test('every profiled instance type has a profile', () => {
  expect(PROFILED_INSTANCES.length).toBeGreaterThan(20);
  PROFILED_INSTANCES.forEach((type) => expect(profileNamed(`llama-3-8b@${type}`).service.kvTokens).toBeGreaterThan(30_000));
});

test('prompts are read in chunks that let an iteration last no longer than a token is promised to', () => {
  const chunk = (type: string, tokenSeconds?: number) => fittingChunk(profileNamed(`llama-3-8b@${type}`).service, { tokenSeconds });
  expect(['ml.g5.2xlarge', 'ml.g6e.xlarge', 'ml.p4d.24xlarge', 'ml.p5.48xlarge'].map((type) => chunk(type, 0.1))).toEqual([
    256, 512, 512, 512,
  ]);
  expect([chunk('ml.g5.2xlarge'), chunk('ml.g5.2xlarge', 0.2), chunk('ml.g5.2xlarge', 0.001)]).toEqual([512, 512, 16]);
  const { service } = profileNamed('llama-3-8b@ml.g5.2xlarge');
  expect([service.iterationSeconds[256] <= 0.1, service.iterationSeconds[512] <= 0.1]).toEqual([true, false]);
});
