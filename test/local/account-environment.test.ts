import { delimiter } from 'node:path';
import { accountEnvironment, clientEnvironment, foreignTargets } from '../../local/account-environment';

const URL_ = 'http://127.0.0.1:4999';

describe('the environment of the local account [L1]', () => {
  test.each(['https://sqs.us-east-1.amazonaws.com', 'http://10.0.0.1:4566', 'http://localhost.evil.example', 'nonsense'])(
    'fails on the explicit target %s and names the variable',
    (target) => {
      expect(foreignTargets({ AWS_ENDPOINT_URL_S3: target })[0]).toContain(`ForeignEndpoint: AWS_ENDPOINT_URL_S3 is '${target}'`);
      expect(foreignTargets({}, target)[0]).toContain(`--endpoint is '${target}'`);
    },
  );

  test('fails on several targets at once', () => {
    expect(
      foreignTargets({ AWS_ENDPOINT_URL: 'http://a.example', AWS_ENDPOINT_URL_SQS: 'http://b.example' }, 'http://c.example'),
    ).toHaveLength(3);
  });

  test.each(['http://localhost:4566', 'http://127.0.0.1:1', 'http://127.9.9.9', 'http://[::1]:4566'])(
    'accepts %s, which is this machine',
    (target) => {
      expect(foreignTargets({ AWS_ENDPOINT_URL: target }, target)).toEqual([]);
    },
  );

  test('a profile and credentials of the developer are no problem and reach nobody', () => {
    const caller = {
      AWS_PROFILE: 'prod',
      AWS_ACCESS_KEY_ID: 'AKIAREAL',
      AWS_SESSION_TOKEN: 't',
      AWS_ENDPOINT_URL_S3: 'http://localhost:1',
      PATH: '/bin',
    };
    expect(foreignTargets(caller)).toEqual([]);
    for (const env of [clientEnvironment(caller, URL_, '/state', 20), accountEnvironment(caller, URL_, '/state', 20)]) {
      expect(env).toMatchObject({
        PATH: '/bin',
        AWS_ENDPOINT_URL: URL_,
        AWS_ACCESS_KEY_ID: '000000000000',
        AWS_CONFIG_FILE: '/state/empty',
        AWS_SHARED_CREDENTIALS_FILE: '/state/empty',
        AWS_EC2_METADATA_DISABLED: 'true',
        PLATFORM_CLOCK_FACTOR: '20',
      });
      expect(Object.keys(env).filter((name) => ['AWS_PROFILE', 'AWS_SESSION_TOKEN', 'AWS_ENDPOINT_URL_S3'].includes(name))).toEqual([]);
    }
  });

  test('the account listens on loopback only', () => {
    expect(accountEnvironment({}, URL_, '/state', 20)).toMatchObject({ BIND_HOST: '127.0.0.1', GATEWAY_PORT: '4999' });
  });

  test('a PYTHONPATH of the developer reaches nobody, and modules that are named for the account come before its own', () => {
    const own = accountEnvironment({ PYTHONPATH: '/theirs' }, URL_, '/state', 20).PYTHONPATH;
    expect(own).toMatch(/[\\/]local$/);
    expect(accountEnvironment({ ACCOUNT_MODULES: '/mutant' }, URL_, '/state', 20).PYTHONPATH).toBe(`/mutant${delimiter}${own}`);
    expect(clientEnvironment({ ACCOUNT_MODULES: '/mutant' }, URL_, '/state', 20).PYTHONPATH).toBe(own);
  });
});
