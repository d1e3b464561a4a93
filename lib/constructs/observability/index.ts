export * from './dashboard-sections';
export * from './workload-dashboard';
