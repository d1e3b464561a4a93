import { LINEAGE, versionPrefix } from '../../lib/constructs/models/contract';
import type { Mark, Observed, Version } from './types';

/** What a version must be like before anything changes for it. */
export interface Rules {
  model: string;
  group: string;
  /** Bucket of the artefacts. */
  artifacts: string;
  /** Image repositories as an image's URI names them, without tag and digest. */
  images: string[];
}

/** Everything that forbids to release a version. */
export function problemsOf(version: Version, { model, group, artifacts, images }: Rules): string[] {
  const prefix = `s3://${artifacts}/${versionPrefix(model)}`;
  const missing = Object.values(LINEAGE).filter((key) => (version.metadata[key] ?? '') === '');
  return [
    ...(version.group === group ? [] : [`it is of the group ${version.group}, not ${group}`]),
    ...(version.status === 'Completed' ? [] : [`its status is ${version.status}, not Completed`]),
    ...(missing.length === 0 ? [] : [`its lineage lacks ${missing.join(', ')}`]),
    ...(version.containers.length === 0 ? ['it has no container'] : []),
    ...version.containers.flatMap(({ image, modelDataUrl }) => [
      ...(within(modelDataUrl, prefix) ? [] : [`its artefact ${modelDataUrl} is not below ${prefix}`]),
      ...(image !== undefined && images.includes(repositoryOf(image)) ? [] : [`its image ${image} is of no allowed repository`]),
    ]),
  ];
}

/** `..` is no way out in Amazon S3, but a tool that reads the URL as a path would follow it. */
const within = (url: string | undefined, prefix: string): boolean => url !== undefined && url.startsWith(prefix) && !url.includes('..');

/** An image's URI without tag and digest. */
export const repositoryOf = (image: string): string => image.split('@')[0].replace(/:[^/:]+$/, '');

/**
 * The version that should serve: the newest approved one that is not marked and is valid. One that is newer and not valid is named too, so
 * that it can be refused. The version that serves was valid when it was released; later rules do not take it away.
 */
export function choose(approved: Version[], marks: Mark[], rules: Rules, live: string | undefined): Pick<Observed, 'desired' | 'invalid'> {
  const marked = new Set(marks.map(({ version }) => version));
  const candidates = approved.filter(({ version }) => !marked.has(version)).sort((a, b) => b.version - a.version);
  let invalid: Observed['invalid'];
  for (const candidate of candidates) {
    const { arn, version } = candidate;
    const problems = arn === live ? [] : problemsOf(candidate, rules);
    if (problems.length === 0) {
      return { desired: arn, invalid };
    }
    invalid ??= { arn, version, problems };
  }
  return { invalid };
}
