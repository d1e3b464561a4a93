export * from './approved-version';
export * from './hub-data';
export * from './inference-image';
export * from './jump-start-data';
export * from './model-artifacts';
export * from './model-registry';
export * from './model-source';
export * from './registry-model';
