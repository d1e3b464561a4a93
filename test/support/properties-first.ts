import TestSequencer from '@jest/test-sequencer';
import type { Test } from '@jest/test-result';

/** Properties take longest. They begin first, so that workers that take files from one queue end at almost the same time. */
export default class PropertiesFirst extends TestSequencer {
  override async sort(tests: Test[]): Promise<Test[]> {
    const property = ({ path }: Test) => path.endsWith('.property.test.ts');
    const usual = await super.sort(tests);
    return [...usual.filter(property), ...usual.filter((test) => !property(test))];
  }
}
