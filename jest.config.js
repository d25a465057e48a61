const jestJupyterLab = require('@jupyterlab/testutils/lib/jest-config');

// Published as ES modules only: jest has to compile them.
const esModules = [
  '@codemirror',
  '@jupyter',
  '@jupyterlab/',
  '@microsoft',
  '@rjsf',
  'exenv-es6',
  'lib0',
  'nanoid',
  'vscode-ws-jsonrpc',
  'y-protocols',
  'y-websocket',
  'yjs'
].join('|');

const baseConfig = jestJupyterLab(__dirname);

module.exports = {
  ...baseConfig,
  collectCoverageFrom: [
    'src/**/*.{ts,tsx}',
    '!src/**/*.d.ts',
    '!src/**/__tests__/**'
  ],
  modulePathIgnorePatterns: [
    '<rootDir>/jmcp_lab/labextension',
    '<rootDir>/lib',
    '<rootDir>/build',
    '<rootDir>/dist',
    '<rootDir>/ui-tests'
  ],
  reporters: ['default'],
  testTimeout: 30_000,
  testRegex: 'src/.*/?__tests__/.*\\.spec\\.tsx?$',
  transformIgnorePatterns: [`/node_modules/(?!${esModules}).+`]
};
