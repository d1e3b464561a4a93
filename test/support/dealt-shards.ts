import TestSequencer from '@jest/test-sequencer';
import type { Test } from '@jest/test-result';

type Shard = Parameters<TestSequencer['shard']>[1];

/** Deals the files out like cards, properties first: they take longest, so that each shard gets as many of them as the others. */
export default class DealtShards extends TestSequencer {
  override shard(tests: Test[], { shardIndex, shardCount }: Shard): Test[] {
    const byPath = [...tests].sort((a, b) => (a.path < b.path ? -1 : 1));
    const property = ({ path }: Test) => path.endsWith('.property.test.ts');
    const cards = [...byPath.filter(property), ...byPath.filter((test) => !property(test))];
    return cards.filter((_, i) => i % shardCount === shardIndex - 1);
  }
}
