export * from './inference-image';
export * from './model-source';
