export * from './constructs/ownership';
