// Writes lib/constructs/models/data/<family>.json: repository, registry accounts and tags of the images that AWS publishes for inference.
//
//   npx tsx scripts/inference-images.ts <clone of aws/sagemaker-python-sdk> <clone of aws/deep-learning-containers>
//
// Accounts and versions are those of the first one's `image_uri_config`; tags, CUDA versions and the end of patching come from the second one's
// `docs/src/data`, where it has a record. Both are Apache-2.0. What the two say of one image must agree, and all versions of a family must have the
// same registries, or nothing is written.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

type Processor = 'cpu' | 'gpu';
/** One version of one framework in `image_uri_config`. */
interface SdkVersion {
  readonly repository: string;
  readonly registries: Record<string, string>;
  readonly processors?: Processor[];
  readonly py_versions?: string[];
  readonly tag_prefix?: string;
  readonly container_version?: Partial<Record<Processor, string>>;
}
interface DlcRecord {
  readonly accelerator: Processor;
  readonly platform: string;
  readonly tags: string[];
  readonly cuda?: string;
  readonly eop?: string;
}
interface Family {
  /** File in `image_uri_config`. */
  readonly config: string;
  readonly repository: string;
  /** Which of its versions are kept, by the tag without processor; old ones have other repositories or registries, or no patches any more. */
  readonly keep: RegExp;
  /** The tag of a version, for the families whose records abbreviate it. */
  readonly tagOf?: (version: string) => string;
  /** Only versions with a record: without it the CUDA version of the SDK's tag is unknown. */
  readonly recordsOnly?: boolean;
  /** Versions that neither source lists, and why they are known. */
  readonly more?: { readonly source: string; readonly versions: Record<string, Image> };
}
interface Image {
  /** Day after which AWS patches the image no more. */
  patchedUntil?: string;
  cpu?: { tag: string };
  gpu?: { tag: string; cuda: string };
}

const FAMILIES: Record<string, Family> = {
  'scikit-learn': {
    config: 'sklearn',
    repository: 'sagemaker-scikit-learn',
    keep: /./,
    tagOf: (version) => `${version}-cpu-py3`,
    more: {
      source: 'aws/sagemaker-python-sdk pull request 5303, same registries',
      versions: { '1.4-2': { cpu: { tag: '1.4-2-cpu-py3' } } },
    },
  },
  xgboost: { config: 'xgboost', repository: 'sagemaker-xgboost', keep: /^(1\.[357]|[23]\.)/, tagOf: (version) => version },
  pytorch: { config: 'pytorch', repository: 'pytorch-inference', keep: /./, recordsOnly: true },
  tensorflow: { config: 'tensorflow', repository: 'tensorflow-inference', keep: /./, recordsOnly: true },
  'djl-lmi': { config: 'djl-lmi', repository: 'djl-inference', keep: /^0\.3[3-9].*-lmi/, recordsOnly: true },
  'hugging-face-pytorch': { config: 'huggingface', repository: 'huggingface-pytorch-inference', keep: /-transformers(4\.(3[7-9]|4|5)|5)/ },
  'hugging-face-tgi': { config: 'huggingface-llm', repository: 'huggingface-pytorch-tgi-inference', keep: /-tgi3/ },
  'hugging-face-vllm': { config: 'huggingface-vllm', repository: 'huggingface-vllm', keep: /./ },
};

const [sdk, dlc] = process.argv.slice(2);
const git = (clone: string, ...args: string[]): string =>
  execFileSync('git', ['-C', clone, ...args], { encoding: 'utf8', maxBuffer: 2 ** 28 });
const shown = (clone: string, path: string): string => git(clone, 'show', `HEAD:${path}`);
const listed = (clone: string, folder: string): string[] =>
  git(clone, 'ls-tree', '-r', '--name-only', 'HEAD', folder).split('\n').filter(Boolean);
const headOf = (clone: string): string[] => git(clone, 'log', '-1', '--format=%H %cs').trim().split(' ');

/** The tag without processor, CUDA and what follows: how this library names a version. */
const versionOf = (tag: string): string => tag.replace(/-(cpu|gpu|cu\d+)(-.*)?$/, '');

/** '12.4' of `cu124`. */
function cudaOf(text: string): string {
  const [, major, minor] = /(?:^|-)cu(\d\d)(\d)(?:-|$)/.exec(text) ?? [];
  if (major === undefined) {
    throw new Error(`no CUDA version in '${text}'`);
  }
  return `${major}.${minor}`;
}

/** Images of the SDK, with the tags that its `image_uris.retrieve` builds. */
function* sdkImages({ config, repository }: Family): Generator<{ processor: Processor; tag: string; registries: Record<string, string> }> {
  const folder = 'sagemaker-core/src/sagemaker/core/image_uri_config';
  const file = JSON.parse(shown(sdk, `${folder}/${config}.json`));
  const scope = file.inference ?? file;
  for (const [name, entry] of Object.entries<Record<string, unknown>>(scope.versions)) {
    const nested = Object.entries(entry).filter(([key]) => /^pytorch\d/.test(key));
    const entries: [string, SdkVersion][] =
      nested.length > 0
        ? nested.map(([key, value]) => [`${key.slice('pytorch'.length)}-transformers${name}`, value as SdkVersion])
        : [[name, entry as unknown as SdkVersion]];
    for (const [version, image] of entries.filter(([, { repository: own }]) => own === repository)) {
      // Without processors one image is for all; the families of that kind are XGBoost, for CPUs, and DJL-LMI, for GPUs.
      const processors: (Processor | undefined)[] = scope.processors ?? image.processors ?? [undefined];
      for (const processor of processors.filter(
        (it) => image.container_version === undefined || image.container_version[it!] !== undefined,
      )) {
        const parts = [
          image.tag_prefix ?? version,
          processor,
          image.py_versions?.at(-1),
          processor && image.container_version?.[processor],
        ];
        const tag = parts.filter(Boolean).join('-');
        yield { processor: processor ?? (/-cu\d/.test(tag) ? 'gpu' : 'cpu'), tag, registries: image.registries };
      }
    }
  }
}

const recordsOf = ({ repository }: Family): DlcRecord[] =>
  listed(dlc, `docs/src/data/${repository}/`)
    .map((path): DlcRecord => parse(shown(dlc, path)))
    .filter(({ platform, accelerator }) => platform === 'sagemaker' && /^[cg]pu$/.test(accelerator));

/** Whether two tags may be long and short forms of one. */
const akin = (a: string, b: string): boolean => a === b || a.startsWith(`${b}-`) || b.startsWith(`${a}-`);

function collect(name: string, family: Family): { accounts: Record<string, string>; versions: Record<string, Image> } {
  const versions: Record<string, Image> = { ...family.more?.versions };
  const put = (processor: Processor, version: string, tag: string, { cuda, eop }: Partial<DlcRecord> = {}): void => {
    const image = (versions[version] ??= eop === undefined ? {} : { patchedUntil: eop });
    if (processor === 'cpu') {
      image.cpu = { tag };
    } else {
      image.gpu = { tag, cuda: cudaOf(cuda ?? tag) };
    }
  };
  const known = [...sdkImages(family)].filter(({ tag }) => family.keep.test(versionOf(tag)));
  for (const record of recordsOf(family).filter(({ tags }) => family.keep.test(versionOf(tags[0])))) {
    const version = versionOf(record.tags[0]);
    const tag = family.tagOf?.(version) ?? record.tags[0];
    const same = known.find((it) => versionOf(it.tag) === version && it.processor === record.accelerator);
    if (same !== undefined && ![...record.tags, tag].some((it) => akin(it, same.tag))) {
      throw new Error(`${name} ${version}: the SDK has the tag ${same.tag}, the record ${record.tags.join(', ')}`);
    }
    put(record.accelerator, version, tag, record);
  }
  for (const { processor, tag } of family.recordsOnly ? [] : known) {
    if (versions[versionOf(tag)]?.[processor] === undefined) {
      put(processor, versionOf(tag), tag);
    }
  }
  return {
    accounts: accountsOf(
      name,
      known.filter(({ tag }) => versions[versionOf(tag)] !== undefined),
    ),
    versions: sorted(versions),
  };
}

/** The one set of registries that all kept versions have. */
function accountsOf(name: string, kept: { registries: Record<string, string> }[]): Record<string, string> {
  const sets = new Set(kept.map(({ registries }) => JSON.stringify(Object.entries(registries).sort())));
  if (sets.size !== 1) {
    throw new Error(`${name}: its versions have ${sets.size} sets of registries: keep fewer versions`);
  }
  return Object.fromEntries(JSON.parse([...sets][0]));
}

const sorted = (versions: Record<string, Image>): Record<string, Image> =>
  Object.fromEntries(Object.entries(versions).sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true })));

if (sdk === undefined || dlc === undefined) {
  throw new Error('give a clone of aws/sagemaker-python-sdk and one of aws/deep-learning-containers');
}
const [sdkCommit, sdkDate] = headOf(sdk);
const [dlcCommit, dlcDate] = headOf(dlc);
const collected = Object.entries(FAMILIES).map(([name, family]) => ({ name, family, ...collect(name, family) }));
for (const { name, family, accounts, versions } of collected) {
  const data = {
    sources: {
      accounts: `image_uri_config/${family.config}.json of aws/sagemaker-python-sdk at ${sdkCommit.slice(0, 7)} (${sdkDate})`,
      tags: `docs/src/data/${family.repository} of aws/deep-learning-containers at ${dlcCommit.slice(0, 7)} (${dlcDate})`,
      ...(family.more && { more: family.more.source }),
    },
    licence: 'Apache-2.0',
    generator: 'scripts/inference-images.ts',
    date: sdkDate < dlcDate ? sdkDate : dlcDate,
    repository: family.repository,
    architecture: 'x86_64',
    accounts,
    versions,
  };
  writeFileSync(join(__dirname, '../lib/constructs/models/data', `${name}.json`), `${JSON.stringify(data, undefined, 2)}\n`);
}
