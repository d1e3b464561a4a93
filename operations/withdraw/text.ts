import type { OperationReport } from '../operation-machine';
import { figures } from '../operation-text';

/** What the machine says of a model. */
interface AffectedModel {
  readonly model: string;
  readonly versions: readonly { readonly version: number; readonly approval: string; readonly live: boolean; readonly mark?: string }[];
  readonly clean?: { readonly version: number; readonly arn: string; readonly approval: string };
  readonly passedOver: readonly { readonly version: number; readonly approval: string; readonly data: 'withdrawn' | 'unknown' }[];
}

type Report = OperationReport & { readonly models?: readonly AffectedModel[] };
type Thing = Readonly<Record<string, unknown>>;

/** For people: what was touched, or would be, and what to do next. */
export function withdrawalText(given: OperationReport): string {
  const report: Report = given;
  const { dataset, dryRun, plan, totals, models = [], reason, requestedBy } = report;
  const things = plan.first.map(lineOf);
  const all = (plan.totals.files ?? 0) + (plan.totals['dataset versions'] ?? 0);
  const serves = models.some(({ versions }) => versions.some(({ live }) => live));
  return [
    `${dryRun ? 'Would withdraw' : 'Withdrew'} ${String(report.selection.thing)} of ${dataset} (${requestedBy}: ${reason})`,
    ...things,
    ...(things.length < all ? [`  and ${all - things.length} more${dryRun ? '' : ': the parts beside the report name all'}`] : []),
    ...models.flatMap((model) => modelLines(model, dataset, dryRun)),
    ...figures(dryRun ? plan.totals : totals),
    ...(plan.totals['of them from a stream'] > 0 ? ONLINE : []),
    ...(dryRun ? [] : nextSteps(dataset, serves)),
    ...(dryRun ? [] : [`report: s3://${report.report.bucket}/${report.report.key}`]),
  ].join('\n');
}

function lineOf({ what, key, versionId, counted, dataset, publishedAt }: Thing): string {
  return what === 'file'
    ? `  file ${String(key)}, version ${String(versionId)}${counted === true ? '' : ', which counts no more'}`
    : `  dataset version ${String(dataset)}, published ${String(publishedAt)}`;
}

/** A withdrawal reaches what is trained on; values that are read online go by records alone. */
const ONLINE = [
  'remains: records of a stream stay in the online table and in features until a correction of each, or the end of their time, takes them away;',
  '  predictions that were told such a value are not listed. What to do: docs/runbooks/data.md#withdrawing-data',
];

/** What a person has to decide, or to wait for. */
const nextSteps = (dataset: string, serves: boolean): string[] => [
  'next:',
  ...(serves ? ['  run the same command again when the versions that serve are replaced: then they are barred too'] : []),
  '  run it again too when a training run has ended that was past its evaluation: it may have registered one more version',
  `  publish '${dataset}' again: invoke the DatasetBuilder with {"dataset": "${dataset}"}; that trains a new version`,
];

function modelLines({ model, versions, clean, passedOver }: AffectedModel, dataset: string, dryRun: boolean): string[] {
  const barred = dryRun ? 'would be barred' : 'barred';
  return [
    ...versions.map(
      ({ version, live, approval }) => `  model ${model}/${version}, ${approval}: ${live ? 'SERVES, is left alone' : barred}`,
    ),
    ...passedOver.map(({ version, approval, data }) => `  not ${model}/${version}, ${approval}: ${WHY_NOT[data]}`),
    `  instead: ${clean === undefined ? rebuild(model, dataset) : release(model, clean)}`,
  ];
}

const WHY_NOT = {
  withdrawn: 'its data was withdrawn before',
  unknown: 'the catalogue does not have its data, so nobody can say that it is clean',
} as const;

const rebuild = (model: string, dataset: string): string => `no clean version of ${model}: publish '${dataset}' again`;

/** A pending version is newer or older; once it is approved the newest approved one is released, and going back to an older one marks those above. */
function release(model: string, { version, arn, approval }: NonNullable<AffectedModel['clean']>): string {
  const approve = `aws sagemaker update-model-package --model-package-arn ${arn} --model-approval-status Approved`;
  const back = `npm run rollback -- ${model} --to ${version}`;
  return `${model}/${version}: ${approval === 'Approved' ? back : `${approve}, then if it does not serve by itself ${back}`}`;
}
