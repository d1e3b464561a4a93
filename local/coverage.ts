import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** How much of AWS's behaviour there is: it behaves, an API accepts it, our model of AWS, schema only, or nothing. */
export type CoverageClass = 'real' | 'bridged' | 'modelled' | 'stub' | 'absent';

/** The class of one resource type or behaviour, and what that leaves out. */
export interface CoverageEntry {
  readonly class: CoverageClass;
  readonly note: string;
}

/** The whole of coverage.json. */
export interface Coverage {
  readonly classes: Record<CoverageClass, string>;
  readonly types: Record<string, CoverageEntry>;
  /** What is no resource type: metrics, clocks, permissions. */
  readonly behaviours: (CoverageEntry & { readonly name: string })[];
}

/** One resource type of an assembly. */
export interface UsedType extends CoverageEntry {
  readonly type: string;
  readonly count: number;
}

/** Reads coverage.json. */
export function loadCoverage(): Coverage {
  return JSON.parse(readFileSync(join(__dirname, 'coverage.json'), 'utf8')) as Coverage;
}

/** The class of a type, or undefined when it is not listed. */
export function classOf(coverage: Coverage, type: string): CoverageClass | undefined {
  return entryOf(coverage, type)?.class;
}

/** The resource types of a synthesized assembly with their classes; throws for types that coverage.json does not list or lists as absent. */
export function assemblyCoverage(assemblyDir: string, coverage: Coverage = loadCoverage()): UsedType[] {
  const counts = typeCounts(assemblyDir);
  const unlisted = [...counts.keys()].filter((type) => entryOf(coverage, type) === undefined);
  if (unlisted.length > 0) {
    throw new Error(
      `UnlistedResourceType: local/coverage.json says nothing about ${unlisted.join(', ')}: try each in the local account and list it with its class [at ${assemblyDir}]`,
    );
  }
  const absent = [...counts.keys()].filter((type) => classOf(coverage, type) === 'absent');
  if (absent.length > 0) {
    throw new Error(
      `AbsentResourceType: the local account has no ${absent.join(', ')}, as local/coverage.json says: leave them out of what is deployed into it, or build them and test how they behave [at ${assemblyDir}]`,
    );
  }
  return [...counts].map(([type, count]) => ({ type, count, ...(entryOf(coverage, type) as CoverageEntry) }));
}

function entryOf(coverage: Coverage, type: string): CoverageEntry | undefined {
  return coverage.types[type.startsWith('Custom::') ? 'Custom::*' : type];
}

function typeCounts(assemblyDir: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const file of templatesOf(assemblyDir)) {
    const template = JSON.parse(readFileSync(file, 'utf8')) as { Resources?: Record<string, { Type: string }> };
    for (const { Type } of Object.values(template.Resources ?? {})) {
      counts.set(Type, (counts.get(Type) ?? 0) + 1);
    }
  }
  return new Map([...counts].sort(([a], [b]) => a.localeCompare(b)));
}

function templatesOf(assemblyDir: string): string[] {
  return readdirSync(assemblyDir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(assemblyDir, entry.name);
    if (entry.isDirectory()) {
      return entry.name.startsWith('assembly-') ? templatesOf(path) : [];
    }
    return entry.name.endsWith('.template.json') ? [path] : [];
  });
}
