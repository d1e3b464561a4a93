export * from './data-recall';
export * from './model-release';
export * from './quality-gate';
export * from './training-pipeline';
export * from './training-pipeline-props';
