export * from './ai-workload';
