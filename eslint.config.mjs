import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/** Folders that `target` must not import from: arrows point one way (docs/architecture.md). */
const wall = (target, from, message, except) => ({ target: `./${target}`, from, message, except });
const outside = (...folders) => folders.map((folder) => `./${folder}`);
/** What no part of the product may lean on. */
const TOOLS = ['bench', 'scripts', 'test', 'operations'];

const walls = [
  wall('lib', outside('bin', 'runtime', 'local', 'gate', 'capacity', 'examples', ...TOOLS), 'the library stands on its own'),
  wall('lib/constructs', outside('lib/stacks', 'lib/config'), 'constructs know neither stacks nor the config file'),
  wall(
    'lib/checks',
    outside('lib/stacks', 'lib/config', 'lib/constructs/!(serving)/**'),
    'checks judge any app: they know instance types, nothing else',
  ),
  wall('lib/constructs', outside('lib/checks'), 'constructs are judged; they do not know by whom'),
  wall('lib/constructs/!(workload)/**', outside('lib/constructs/workload'), 'a layer does not know the whole'),
  wall('lib/config', outside('lib/stacks'), 'config is data: stacks read it'),
  wall('lib/constructs/shared', outside('lib/constructs/!(shared)/**'), 'shared helpers know no layer'),
  wall('bin', outside('runtime', 'local', 'gate', 'capacity', 'examples', ...TOOLS), 'the composition root uses lib only'),
  wall(
    'runtime',
    outside('bin', 'lib/!(constructs)/**', 'lib/index.ts', 'local', 'gate', 'capacity', 'examples', ...TOOLS),
    'handlers share contracts with constructs, nothing else',
  ),
  wall('gate', outside('bin', 'runtime', 'local', 'capacity', 'examples', ...TOOLS), 'the gate judges any assembly: it must not know ours'),
  wall('gate', ['./lib'], 'the gate judges any assembly: of ours it knows how contracts compare', [
    './constructs/data/contract.ts',
    './constructs/data/data-contract/contract.ts',
    './constructs/data/data-contract/contract-changes.ts',
  ]),
  wall('examples', outside('bin', 'lib', 'runtime', 'local', 'gate', 'capacity', ...TOOLS), 'an example is what a user copies'),
  wall(
    'operations',
    outside('bin', 'local', 'gate', 'examples', 'lib/stacks', 'lib/index.ts', 'bench', 'scripts', 'test'),
    'commands know a deployed workload by its config file and its contracts',
  ),
  wall('operations', ['./runtime'], 'of the handlers commands know how records are framed and named, nothing else', [
    './intake/envelope.ts',
    './intake/instants.ts',
    './stream/entity-key.ts',
  ]),
  wall(
    'capacity',
    outside('bin', 'runtime', 'local', 'gate', 'examples', ...TOOLS),
    'the simulator knows policies and instance types, not how they are deployed',
  ),
  wall('capacity', ['./lib'], 'the simulator takes plain data of the library, nothing that needs the CDK', [
    './constructs/serving/scaling/policy.ts',
    './constructs/serving/scaling/staffing.ts',
    './constructs/serving/scaling/backlog-policy.ts',
    './constructs/serving/data/instances.json',
    './constructs/shared/contract.ts',
  ]),
  wall('{bench,scripts}', outside('operations'), 'nothing leans on a command'),
  wall(
    'local',
    outside('bin', 'runtime', 'gate', 'capacity', 'lib/stacks', ...TOOLS),
    'the local account deploys the app; it is no part of it',
  ),
];

export default tseslint.config(
  {
    ignores: [
      'node_modules',
      'build',
      'dist',
      'assets',
      '**/cdk.out',
      '**/*.cdk.out',
      'coverage',
      'local/.venv',
      'bench/.venv',
      'local/.state',
    ],
  },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts', '**/*.mjs'],
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver({ project: 'tsconfig.json' })] },
    rules: {
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      'import-x/no-restricted-paths': [
        'error',
        { zones: walls.flatMap(({ target, from, message, except }) => from.map((f) => ({ target, from: f, message, except }))) },
      ],
      'import-x/no-cycle': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-require-imports': 'error',
      eqeqeq: ['error', 'always'],
      'no-console': 'off',
    },
  },
  {
    files: ['lib/**/*.ts', 'runtime/**/*.ts'],
    rules: { 'no-console': 'error', '@typescript-eslint/prefer-nullish-coalescing': 'off' },
  },
  {
    files: ['runtime/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: 'lib/constructs/(?!.*/(objective-)?contract$)',
              message: 'a handler imports only contract.ts files from lib/constructs',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['operations/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: 'lib/constructs/(?!.*/(objective-)?contract$)',
              message: 'a command imports only contract.ts files from lib/constructs',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['capacity/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { patterns: [{ regex: '^(aws-cdk-lib|constructs|@aws-)', message: 'the simulator runs without the CDK and without AWS' }] },
      ],
    },
  },
  {
    files: ['lib/constructs/**/contract.ts', 'lib/constructs/**/objective-contract.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: 'ImportDeclaration', message: 'a contract file imports nothing: handlers, constructs and tests share it' },
      ],
    },
  },
  {
    files: ['test/**/*.ts', '**/*.generated.ts'],
    rules: { 'max-lines': 'off', 'max-lines-per-function': 'off', '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  { files: ['*.js'], rules: { '@typescript-eslint/no-require-imports': 'off' }, languageOptions: { globals: { module: 'writable' } } },
);
