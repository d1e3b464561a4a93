/** Tests run on sources through swc; types are checked once by `tsc --noEmit`. */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/integ/', '<rootDir>/test/e2e/'],
  modulePathIgnorePatterns: ['<rootDir>/build/', '<rootDir>/cdk.out', '<rootDir>/local/.venv'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript', decorators: true }, target: 'es2022' }, module: { type: 'commonjs' } },
    ],
  },
  // Nothing stays in the system's folder for temporary files: neither what tests leave there, nor Jest's own cache.
  globalSetup: '<rootDir>/test/support/temp-setup.ts',
  globalTeardown: '<rootDir>/test/support/temp-teardown.ts',
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
  maxWorkers: 2,
  testTimeout: 240_000,
};
