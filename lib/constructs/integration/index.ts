export { EventType } from './contract';
export * from './inference-api';
export * from './inference-api-metrics';
export * from './model-signature';
export * from './prediction-books';
export * from './prediction-bus';
