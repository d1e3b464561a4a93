export * from './data-contract';
export * from './data-intake';
export * from './data-intake-metrics';
export * from './data-zones';
export * from './dataset-catalog';
