export * from './constructs/network';
export * from './constructs/ownership';
