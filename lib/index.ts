export * from './constructs/data';
export * from './constructs/integration';
export * from './constructs/models';
export * from './constructs/network';
export * from './constructs/observability';
export * from './constructs/ownership';
export * from './constructs/serving';
export * from './constructs/workload';
