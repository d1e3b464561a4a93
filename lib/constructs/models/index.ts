export * from './approved-version';
export * from './inference-image';
export * from './model-artifacts';
export * from './model-registry';
export * from './model-source';
export * from './registry-model';
