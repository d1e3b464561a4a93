import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { version } from '../../../package.json';
import { Duration } from 'aws-cdk-lib';
import { InferenceEndpoint, InferenceImage, InstanceType, MeasuredCapacity, ModelSource, Scaling, Slo } from '../../../lib';
import { isLocal, measure, textOf, warning, World } from '../../../operations/measure';
import { MeasureOptions, optionsOf } from '../../../operations/measure/options';
import { exponential, singleServer, VirtualClock } from './queues';
import { FakeEndpoint } from './fake-endpoint';

const folder = mkdtempSync(join(tmpdir(), 'measure-'));
const file = (name: string, content: string) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const request = file('request.json', '{}');
const endpoints = { delay: { slo: { latencyPercentile: 95, latencyBelowMs: 100, availabilityPercent: 99 } } };
const chat = { components: { small: { slo: { latencyPercentile: 90, latencyBelowMs: 60_000, availabilityPercent: 99 } } } };
const blueprint = { workload: 'air', stage: 'dev', endpoints, asyncEndpoints: { drafts: {} }, componentEndpoints: { chat } } as never;
const options = (values: Record<string, string> = {}, argument = 'delay', config: typeof blueprint | undefined = blueprint) =>
  optionsOf(argument, { request, ...values }, config, 'Usage');

/** Measures the fake endpoint, which serves 50 requests a second one by one, `instances` of them. */
function measured(fake: FakeEndpoint, given: MeasureOptions, whileItRuns: () => void = () => undefined) {
  const clock = new VirtualClock();
  const said: string[] = [];
  const serve = singleServer(clock, exponential(20, 5));
  const send: World['send'] = (i) => {
    whileItRuns();
    return serve(i);
  };
  const world = { clients: fake.clients, send, clock, watchLoop: () => () => 0, local: true, say: (text: string) => said.push(text) };
  return { said, outcome: clock.run(measure(world, given)) };
}

describe('a measurement', () => {
  test('says what it is about to do, a line for each step, and a table', async () => {
    const { said, outcome } = measured(new FakeEndpoint(), options());
    const found = await outcome;
    expect(said[0]).toBe('air-dev-delay: 1 x ml.m5.large, sagemaker-scikit-learn:1.4-2-cpu-py3, model air-dev-delay/3');
    expect(said[1]).toMatch(/^warm: [\d.]+ ms for one request alone$/);
    expect(said[2]).toContain('objective: p95 below 100 ms and 99 % served; arrivals: Poisson');
    expect(said.slice(3)).toHaveLength(found.steps.length);
    expect(said[3]).toMatch(
      /^step {4}[\d.]+\/s: offered [\d.]+\/s, served [\d.]+\/s, 500 answers in \d+ s, p50 [\d.]+ ms, p95 [\d.]+ ms, failed 0: held$/,
    );
    expect(said.at(-1)).toMatch(/^confirm [\d.]+\/s: .*: held$/);
    expect(said.join('\n')).toMatch(/: not held: \d+ not below 100 ms/);
    const text = textOf(found, options(), true);
    expect(text).toContain(`${found.file.requestsPerSecondPerInstance} requests per second and instance (1 running)`);
    expect(text).toContain('not what the instance type serves in AWS');
    expect(text.split('\n').filter((line) => line.startsWith('│'))).not.toHaveLength(0);
  });

  test('adds what several serve together to the file that states what one serves [A2]', async () => {
    const { file: single } = await measured(new FakeEndpoint(), options()).outcome;
    const output = file('one.json', JSON.stringify(single));
    const fleet = (units: number, content: object = single, window?: string) => {
      const path = file('some.json', JSON.stringify(content));
      const values = { request, output: path, fleet: true, ...(window === undefined ? {} : { 'priority-window': window }) };
      const given = optionsOf('delay', values, blueprint, 'Usage');
      return measured(Object.assign(new FakeEndpoint(), { instances: units }), given).outcome;
    };
    const { file: both } = await fleet(4);
    expect(both).toEqual({ ...single, fleet: { instances: 4, requestsPerSecondPerInstance: expect.any(Number) } });
    expect(MeasuredCapacity.fromFile(file('both.json', JSON.stringify(both)))._rates.fleet).toEqual({
      instances: 4,
      requestsPerSecond: 4 * both.fleet!.requestsPerSecondPerInstance,
    });
    await expect(fleet(1)).rejects.toThrow('InvalidFleet: --fleet measures what two or more serve together, and one is running');
    await expect(fleet(4, { ...single, latencyBelowMs: 90 })).rejects.toThrow(
      "OtherEndpoint: the capacity file is of something else: 'latencyBelowMs' is '90' there and '100' here: measure one of them first, without --fleet",
    );
    const windowed = { ...single, priorityWindowSeconds: 6 };
    const other = 'OtherEndpoint: the capacity file is of something else: ';
    await expect(fleet(4, windowed)).rejects.toThrow(`${other}'priorityWindowSeconds' is '6' there and not stated here: measure one`);
    await expect(fleet(4, windowed, '5')).rejects.toThrow(`${other}'priorityWindowSeconds' is '6' there and '5' here`);
    await expect(fleet(4, single, '6')).rejects.toThrow(`${other}'priorityWindowSeconds' is not stated there and '6' here`);
    expect((await fleet(4, windowed, '6')).file).toEqual({ ...windowed, fleet: both.fleet });
    const missing = { request, output: `${output}.none`, fleet: true };
    expect(() => optionsOf('delay', missing, blueprint, 'Usage')).toThrow(
      'InvalidCapacityFile: the file does not exist: measure one instance',
    );
  });

  test('gives a capacity file that MeasuredCapacity and Scaling.between take without a warning [A2]', async () => {
    const { file: content } = await measured(new FakeEndpoint(), options()).outcome;
    expect(content).toEqual({
      ...{ version: 1, model: 'air-dev-delay/3', instance: 'ml.m5.large', image: 'sagemaker-scikit-learn:1.4-2-cpu-py3' },
      requestsPerSecondPerInstance: expect.any(Number),
      ...{ latencyPercentile: 95, latencyBelowMs: 100, measuredOn: new Date().toISOString().slice(0, 10) },
      tool: `cdk-ai-workloads measure ${version}: Poisson arrivals, seed 1, local account`,
    });
    // M/M/1: 50 - ln(20) / 0.1 s.
    expect(content.requestsPerSecondPerInstance).toBeGreaterThan(20.04 * 0.8);
    expect(content.requestsPerSecondPerInstance).toBeLessThan(20.04 * 1.15);
    const capacity = MeasuredCapacity.fromFile(file('capacity.json', JSON.stringify(content)));
    const stack = new Stack(new App(), 'S', { env: { region: 'us-east-1', account: '123456789012' } });
    const image = InferenceImage.scikitLearn('1.4-2');
    const endpoint = new InferenceEndpoint(stack, 'E', {
      model: ModelSource.fromTarball(Bucket.fromBucketName(stack, 'B', 'models'), 'model.tar.gz', { image }),
      instance: InstanceType.fromCatalogue('ml.m5.large'),
      slo: Slo.latency({ percentile: 95, below: Duration.millis(100), availabilityPercent: 99 }),
      scaling: Scaling.between(1, 2, { capacity }),
    });
    const policies = Object.values(Template.fromStack(stack).findResources('AWS::ApplicationAutoScaling::ScalingPolicy'));
    expect(policies.map(({ Properties }) => Properties.PolicyType)).toEqual(['StepScaling', 'StepScaling']);
    expect(endpoint.node.findAll().flatMap(({ node }) => node.metadata.filter(({ data }) => /capacity/.test(String(data))))).toEqual([]);
  });

  test('says by which windows requests state their priority, and so does its file [A2]', async () => {
    const plain = (await measured(new FakeEndpoint(), options()).outcome).file;
    const { said, outcome } = measured(new FakeEndpoint(), options({ 'priority-window': '6' }));
    const { file: content } = await outcome;
    expect(content).toEqual({ ...plain, priorityWindowSeconds: 6 });
    expect(said).toContain('each request states its priority, by windows of 6 s: the newest is served first');
    expect(MeasuredCapacity.fromFile(file('windowed.json', JSON.stringify(content))).priorityWindowSeconds).toBe(6);
  });

  test('divides the rate by the instances that run', async () => {
    const fake = new FakeEndpoint();
    const one = (await measured(fake, options()).outcome).file.requestsPerSecondPerInstance;
    fake.instances = 4;
    expect((await measured(fake, options()).outcome).file.requestsPerSecondPerInstance).toBeCloseTo(one / 4, 1);
  });

  test('sends nothing to a stand-in, whose seconds are not those of this clock, and names what measures it', async () => {
    const fake = new FakeEndpoint();
    fake.container = { Image: '763104351884.dkr.ecr.us-east-1.amazonaws.com/djl-inference:0.36.0-lmi28.0.0-cu130' };
    let sent = 0;
    await expect(measured(fake, options(), () => sent++).outcome).rejects.toThrow(/^StandIn: .*djl-inference.*npm run measure:chat/);
    expect(sent).toBe(0);
  });

  test('sends nothing to an endpoint that it refuses', async () => {
    const fake = new FakeEndpoint();
    fake.status = 'Updating';
    let sent = 0;
    await expect(measured(fake, options(), () => sent++).outcome).rejects.toThrow('EndpointNotMeasurable');
    expect(sent).toBe(0);
  });

  test.each<[string, (fake: FakeEndpoint) => void, string]>([
    ['deployed', (fake) => (fake.configuration = 'second'), 'its configuration went from first to second'],
    ['scaled', (fake) => (fake.instances = 2), 'its fleet went from 1 to 2'],
  ])('fails when the endpoint was %s meanwhile', async (_, change, message) => {
    const fake = new FakeEndpoint();
    await expect(measured(fake, options(), () => change(fake)).outcome).rejects.toThrow(
      `EndpointChanged: while it was measured ${message}`,
    );
  });
});

describe('the options', () => {
  test('come from the config for one of its endpoints', () => {
    expect(options()).toMatchObject({
      ...{ endpoint: 'air-dev-delay', objective: { percentile: 95, belowMs: 100, availabilityPercent: 99 } },
      ...{ contentType: 'application/json', maxRate: 1000, maxMinutes: 30, seed: 1, output: 'capacity/delay.json' },
    });
    expect(options({ component: 'small' })).toMatchObject({ endpoint: 'air-dev-delay', component: 'small', output: 'capacity/small.json' });
    expect(options({ percentile: '50', 'below-ms': '9' }).objective).toEqual({ percentile: 50, belowMs: 9, availabilityPercent: 99 });
  });

  test.each(['small', 'air-dev-chat-small'])('come from the config for one of its components, named %s', (component) => {
    expect(options({ component }, 'chat')).toMatchObject({
      ...{ endpoint: 'air-dev-chat', component: 'air-dev-chat-small', output: `capacity/${component}.json` },
      objective: { percentile: 90, belowMs: 60_000, availabilityPercent: 99 },
    });
  });

  test.each<[string, Record<string, string>, string]>([
    ['chat', {}, "'chat' hosts components: name one with --component (small), or state the objective"],
    ['chat', { component: 'smal' }, "'chat' hosts components: name one with --component (small), or state the objective"],
    ['drafts', {}, "'drafts' is asynchronous: a queue takes its requests, so there is no latency to measure"],
  ])('fail for %s of the config with %j, and say what to name', (endpoint, values, message) => {
    expect(() => options(values, endpoint)).toThrow(`--below-ms is missing: ${message}`);
  });

  test('name any other endpoint with its objective, with a config and without one', () => {
    const objective = { percentile: '90', 'below-ms': '200' };
    const expected = { endpoint: 'chat', objective: { percentile: 90, belowMs: 200, availabilityPercent: 99.5 } };
    expect(options(objective, 'other')).toMatchObject({ ...expected, endpoint: 'other' });
    expect(optionsOf('chat', { request, ...objective }, undefined, 'Usage')).toMatchObject(expected);
  });

  test('take bodies of up to 25 MB, as the service does [row 86]', () => {
    const sized = (bytes: number) => () => options({ request: file('large.json', ' '.repeat(bytes)) });
    expect(sized(25 * 1024 * 1024)).not.toThrow();
    expect(sized(25 * 1024 * 1024 + 1)).toThrow('must have bodies of 1 byte to 25 MB');
  });

  test('take the lines of a .jsonl file in turn, and any other file as one body', () => {
    const bodies = (path: string) => options({ request: path }).bodies.map((body) => Buffer.from(body).toString());
    expect(bodies(file('many.jsonl', '{"a":1}\n\n{"a":2}\r\n'))).toEqual(['{"a":1}', '{"a":2}']);
    expect(bodies(file('one.csv', '1,2\n3,4\n'))).toEqual(['1,2\n3,4\n']);
  });

  test('take arrivals of a file', () => {
    const times = file('times.txt', Array.from({ length: 200 }, (_, i) => i ** 2).join('\n'));
    expect(options({ arrivals: times }).arrivals.name).toBe(`recorded in ${times}`);
  });

  const ranges: [string, string[], string[]][] = [
    ['percentile', ['50', '99.9'], ['49.9', '99.91', 'p99', '']],
    ['below-ms', ['1', '60000'], ['0', '60001', '1.5']],
    ['availability', ['50', '99.999'], ['49', '100']],
    ['max-rate', ['0.01', '100000'], ['0', '100001', '-1']],
    ['max-minutes', ['1', '1440'], ['0.5', '1441']],
    ['priority-window', ['1', '2.5', '600'], ['0', '0.9', '601', '-6', '6s', '']],
    ['seed', ['0', '2147483648'], ['-1', '1.5', '2147483649']],
  ];
  test.each(ranges)('take --%s up to both edges, and no further', (name, good, bad) => {
    good.forEach((value) => expect(() => options({ [name]: value })).not.toThrow());
    bad.forEach((value) => expect(() => options({ [name]: value })).toThrow(new RegExp(`--${name} must be a .*, got '${value}'`)));
  });

  test('fails with every problem at once', () => {
    const wrong = () => optionsOf('dely', { arrivals: 'nowhere', seed: 'x' }, blueprint, 'Usage');
    expect(wrong).toThrow(/^InvalidOption:\n/);
    for (const problem of [
      "--percentile is missing: 'dely' is no endpoint of the config (did you mean 'delay'?), so state its objective",
      "--below-ms is missing: 'dely' is no endpoint",
      '--request is missing: a file with one body',
      "--arrivals: there is no file 'nowhere'",
      "--seed must be a whole number from 0 to 2147483648, got 'x'",
    ]) {
      expect(wrong).toThrow(problem);
    }
  });

  test('take only bodies to which a priority can be added where one is asked for, and say what else is wrong', () => {
    const bodies = file('mixed.jsonl', '{"a":1}\n[2]\n');
    expect(() => options({ request: bodies })).not.toThrow();
    const wrong = () => options({ request: bodies, 'priority-window': '6', seed: 'x' });
    expect(wrong).toThrow("bodies must be JSON objects: number 2 of --request is '[2]'");
    expect(wrong).toThrow("--seed must be a whole number from 0 to 2147483648, got 'x'");
    expect(() => options({ request: file('has.json', '{"priority":-1}'), 'priority-window': '6' })).toThrow('has one of -1: take it out');
    expect(options()).toMatchObject({ priorityWindowSeconds: undefined });
    expect(options({ 'priority-window': '2.5' })).toMatchObject({ priorityWindowSeconds: 2.5 });
  });

  test.each([
    ['no such file', () => join(folder, 'none'), "there is no file '"],
    ['an empty file', () => file('empty.json', ''), 'must have bodies of 1 byte to 25 MB'],
    ['a .jsonl without a line', () => file('blank.jsonl', '\n\n'), 'must have bodies of 1 byte to 25 MB'],
  ])('fails on a request from %s', (_, path, message) => {
    expect(() => options({ request: path() })).toThrow(message);
  });
});

describe('the consent to load an endpoint', () => {
  test('is needed for all but the local account', () => {
    expect(() => warning(options(), false, false)).toThrow(
      /^LiveEndpoint: this sends up to 1000 requests a second for up to 30 minutes to air-dev-delay, .* cost money: add --yes/,
    );
    expect(warning(options(), false, true)).toEqual([expect.stringMatching(/^this sends up to 1000 requests a second .* cost money$/)]);
    expect(warning(options(), true, false)).toEqual([]);
  });

  test.each([
    [true, { AWS_ENDPOINT_URL: 'http://127.0.0.1:4566' }],
    [true, { AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME: 'http://localhost:1', AWS_ENDPOINT_URL: 'https://x.org' }],
    [false, { AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME: 'https://runtime.x.org', AWS_ENDPOINT_URL: 'http://127.0.0.1:1' }],
    [false, { AWS_ENDPOINT_URL: 'http://127.0.0.1.x.org' }],
    [false, { AWS_ENDPOINT_URL: 'nonsense' }],
    [false, { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' }],
    [false, {}],
  ])('local is %s with %j', (local, env) => {
    expect(isLocal(env)).toBe(local);
  });
});
