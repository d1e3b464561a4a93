import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { findings } from '../../gate/gate';

/** What the gate finds in a template: nothing when it would deploy and its alarms and scaling work. */
export async function gated(template: Template): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'gate-'));
  try {
    const file = join(folder, 'Test.template.json');
    writeFileSync(file, JSON.stringify(template.toJSON()));
    const found = await findings([{ stack: 'Test', file, template: template.toJSON() }]);
    return found.map(({ check, resource, problem }) => `${check}: ${resource}: ${problem}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
