export * from './workload-dashboard';
