import type { Report } from '../withdraw';
import type { AffectedModel } from './affected';

/** For people: what was touched, and what to do next. */
export function textOf(report: Report): string {
  const { thing, done, dataset, files, datasets, models, serving } = report;
  return [
    `${done ? 'Withdrew' : 'Would withdraw'} ${thing} of ${dataset} (${report.withdrawnBy}: ${report.withdrawnReason})`,
    ...files.map(({ key, versionId, counted }) => `  file ${key}, version ${versionId}${counted ? '' : ', which counts no more'}`),
    ...datasets.map(({ id, publishedAt }) => `  dataset version ${id}, published ${publishedAt}`),
    ...models.flatMap((model) => modelLines(model, dataset, done)),
    ...(serving.length > 0 && done
      ? ['Run the same command again when the versions that serve are replaced: then they are barred too.']
      : []),
    ...(done ? [`Report: ${report.report}`] : ['Nothing was changed: --yes does it.']),
  ].join('\n');
}

function modelLines({ model, versions, clean, predictions }: AffectedModel, dataset: string, done: boolean): string[] {
  const barred = done ? 'barred' : 'would be barred';
  const { ids, uncertain } = predictions;
  return [
    ...versions.map(
      ({ version, live, approval }) => `  model ${model}/${version}, ${approval}: ${live ? 'SERVES, is left alone' : barred}`,
    ),
    `  predictions of ${model}: ${ids.length}${uncertain === 0 ? '' : `, of which another version may have made ${uncertain}`}`,
    `  instead: ${clean === undefined ? rebuild(model, dataset) : release(model, clean)}`,
  ];
}

const rebuild = (model: string, dataset: string): string =>
  `no clean version of ${model}: publish '${dataset}' again (invoke the DatasetBuilder with {"dataset": "${dataset}"}); that trains a new one`;

/** A pending version is newer or older; once it is approved the newest approved one is released, and going back to an older one marks those above. */
function release(model: string, { version, arn, approval }: NonNullable<AffectedModel['clean']>): string {
  const approve = `aws sagemaker update-model-package --model-package-arn ${arn} --model-approval-status Approved`;
  const back = `npm run rollback -- ${model} --to ${version}`;
  return `${model}/${version}: ${approval === 'Approved' ? back : `${approve}, then if it does not serve by itself ${back}`}`;
}
