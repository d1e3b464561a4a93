export * from './constructs/integration';
export * from './constructs/models';
export * from './constructs/network';
export * from './constructs/observability';
export * from './constructs/ownership';
export * from './constructs/serving';
