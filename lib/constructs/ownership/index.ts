export * from './alarm-board';
export * from './layer';
export * from './owner';
export * from './objective';
export { ObjectiveMeasure } from './objective-contract';
export * from './objective-tracker';
export * from './workload-budget';
