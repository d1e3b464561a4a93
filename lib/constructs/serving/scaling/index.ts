export * from './backlog-scaling';
export * from './measured-capacity';
export * from './scaling';
export * from './scaling-schedule';
