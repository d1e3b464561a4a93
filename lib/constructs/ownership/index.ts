export * from './alarm-board';
export * from './layer';
export * from './owner';
