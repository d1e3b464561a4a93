export * from './measured-capacity';
export * from './scaling';
