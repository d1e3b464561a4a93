export * from './network-feature';
export * from './private-network';
