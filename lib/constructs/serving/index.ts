export * from './endpoint-capture';
export * from './inference-endpoint';
export * from './inference-endpoint-metrics';
export * from './instance-type.generated';
export * from './rollout';
export * from './scaling';
export * from './slo';
