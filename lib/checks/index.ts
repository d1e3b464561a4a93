export * from './ai-workload-checks';
