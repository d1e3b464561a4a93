import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename } from 'node:path';

/** Removes the folder that temp-setup.ts made, with all that the tests left in it. */
export default function teardown(): void {
  if (basename(tmpdir()).startsWith('cdk-ai-workloads-jest-')) {
    rmSync(tmpdir(), { recursive: true, force: true, maxRetries: 5 });
  }
}
