export * from './data-contract/data-contract';
export * from './data-intake/data-intake';
export * from './data-intake/data-intake-metrics';
export * from './data-zones';
export * from './dataset-catalog/dataset-catalog';
export * from './dataset-catalog/time-split';
export * from './features/feature-store';
export * from './features/rolling-aggregate';
