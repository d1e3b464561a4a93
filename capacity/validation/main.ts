// `npm run capacity:validate`: writes docs/capacity-validation.md and its charts anew.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { page, reactionPoints, saturationPoints } from './report';

const docs = join(__dirname, '..', '..', 'docs');

async function main(): Promise<void> {
  // @ts-expect-error -- plain JavaScript
  const { reaction, saturation } = await import('./charts.mjs');
  writeFileSync(join(docs, 'capacity-saturation.svg'), saturation(saturationPoints()));
  writeFileSync(join(docs, 'capacity-reaction.svg'), reaction(reactionPoints()));
  writeFileSync(join(docs, 'capacity-validation.md'), page());
  console.log('docs/capacity-validation.md and its charts are written');
}

void main();
