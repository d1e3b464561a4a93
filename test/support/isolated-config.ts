import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Document, parseDocument, Scalar, visit } from 'yaml';

const CONFIG = resolve(__dirname, '../../config');
export const CAPACITY = {
  version: 1,
  model: 'delay',
  instance: 'ml.m5.large',
  image: 'sagemaker-scikit-learn:1.4-2-cpu-py3',
  requestsPerSecondPerInstance: 40,
  latencyPercentile: 99,
  latencyBelowMs: 500,
  measuredOn: '2026-05-31',
  tool: 'an example, not a measurement',
};

/** Writes a changed copy of the dev config as `folder/name`. Paths that begin with `../` stay those of config/. Returns the file. */
export function configLikeDev(folder: string, name: string, change: (document: Document) => void): string {
  const document = parseDocument(readFileSync(join(CONFIG, 'dev.yaml'), 'utf8'));
  visit(document, {
    Scalar: (_key, node: Scalar) => {
      if (typeof node.value === 'string' && node.value.startsWith('../')) {
        node.value = join(CONFIG, node.value);
      }
    },
  });
  change(document);
  const file = join(folder, name);
  writeFileSync(file, document.toString());
  return file;
}

/**
 * Writes a copy of the dev config with what neither stage has together: an isolated network, an endpoint that scales, and
 * an account that may read the models. Returns the file, which is in `folder`.
 */
export function isolatedConfig(folder: string): string {
  const capacity = join(folder, 'capacity.json');
  writeFileSync(capacity, JSON.stringify(CAPACITY));
  return configLikeDev(folder, 'isolated.yaml', (document) => {
    document.set('network', { mode: 'isolated' });
    document.set('models', { trustedAccounts: ['444455556666'] });
    document.setIn(['endpoints', 'delay', 'scaling'], { min: 1, max: 2, capacity });
  });
}
