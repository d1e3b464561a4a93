import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { AggregateDefinition } from '../../../lib/constructs/data/features/contract';
import { findPython } from '../../../local/python';

/** Records as texts in the order of `columns`, and moments to look at: the entity's texts and the end of the window, milliseconds. */
export interface OfflineCase {
  definition: AggregateDefinition;
  columns: readonly string[];
  records: string[][];
  reads: [string[], number][];
}

/** What the engine of training gives for each read of each case. */
export function offline(cases: readonly OfflineCase[]): (number | null)[][] {
  const program = join(__dirname, 'offline_engine.py');
  const options = { input: JSON.stringify(cases), encoding: 'utf8' as const, maxBuffer: 1 << 28 };
  return JSON.parse(execFileSync(findPython(process.env), [program], options)) as (number | null)[][];
}
