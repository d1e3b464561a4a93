/**
 * Tests run on sources through tsx, all in one process: modules are loaded once, not once per file, which takes less than half the time.
 * So a test file leaves the process as it found it (environment, mocks). `npm test` runs three parts, two at a time (`--shard`).
 * Types are checked once by `tsc --noEmit`.
 */
module.exports = async () => {
  (await import('tsx/esm/api')).register();
  (await import('tsx/cjs/api')).register();
  return config;
};

const config = {
  runner: 'jest-light-runner',
  maxWorkers: 1,
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/integ/', '<rootDir>/test/e2e/'],
  modulePathIgnorePatterns: ['<rootDir>/build/', '<rootDir>/cdk.out', '<rootDir>/local/.venv'],
  transform: {},
  // Nothing stays in the system's folder for temporary files: neither what tests leave there, nor Jest's own cache.
  testSequencer: '<rootDir>/test/support/dealt-shards.ts',
  globalSetup: '<rootDir>/test/support/temp-setup.ts',
  globalTeardown: '<rootDir>/test/support/temp-teardown.ts',
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
  testTimeout: 240_000,
};
