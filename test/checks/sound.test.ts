import { ASYNC, build, COMPONENT, findings, REALTIME, SERVERLESS } from './apps';

describe('AiWorkloadChecks [C1]', () => {
  test.each(Object.entries({ REALTIME, ASYNC, COMPONENT, SERVERLESS }))('finds nothing in a sound app: %s', (_name, sound) => {
    expect(findings((stack) => build(stack, sound))).toEqual([]);
  });
});
