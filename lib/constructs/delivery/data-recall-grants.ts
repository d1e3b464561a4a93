import { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { DatasetCatalog } from '../data';
import { OPERATIONS_FOLDER } from '../data/contract';
import { QUERY_FILES } from '../data/dataset-catalog/contract';
import { allow, allowRead, allowWrite } from '../data/grants';
import { PredictionBooks } from '../integration';
import { acknowledgeResource } from '../shared/acknowledgements';
import { ModelRelease } from './model-release';
import { allowTo, barringVersions, readingVersions } from './model-release-roles';

const dynamo = (...actions: string[]): string[] => actions.map((action) => `dynamodb:${action}`);

/** Reads versions and marks those that were withdrawn. @internal */
export function grantCatalogue(steps: Lambda, { table }: DatasetCatalog): void {
  allow(steps, dynamo('GetItem', 'Scan', 'UpdateItem'), table.tableArn);
}

/**
 * Withdraws contents in a ledger, reads manifests, leaves reports, and hides what is queried. In a bucket with versions, deleting an object without naming a version
 * hides it and destroys nothing (https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectVersions.html).
 *
 * @internal
 */
export function grantDataset(steps: Lambda, { manifests }: DatasetCatalog, dataset: string, ledger: ITable): void {
  // A transaction needs the permission of each of its parts (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html).
  allow(steps, dynamo('Scan', 'GetItem', 'PutItem', 'UpdateItem'), ledger.tableArn);
  const [versions, reports] = [`datasets/${dataset}/*/manifest.json`, `${dataset}/${OPERATIONS_FOLDER}/*`];
  const queries = `datasets/${dataset}/${QUERY_FILES.folder}/*`;
  allowRead(steps, manifests, versions);
  allow(steps, ['s3:DeleteObject'], manifests.arnForObjects(queries));
  const conditions = { StringLike: { 's3:prefix': queries } };
  steps.addToRolePolicy(new PolicyStatement({ actions: ['s3:ListBucket'], resources: [manifests.bucketArn], conditions }));
  allowWrite(steps, manifests, reports);
  for (const pattern of [versions, queries]) {
    acknowledgeResource(steps, manifests.arnForObjects(pattern), 'objects of a dataset version are named by its id');
  }
  acknowledgeResource(steps, manifests.arnForObjects(reports), 'each execution has a folder of its own');
}

/** Finds versions of models, and bars them. @internal */
export function grantReleases(steps: Lambda, release: ModelRelease): void {
  allow(steps, dynamo('Query', 'PutItem'), release.table.tableArn);
  const prefix = release._namePrefix;
  [...readingVersions(steps, prefix), ...barringVersions(steps, prefix)].forEach((allowed) => allowTo(steps.role as Role, allowed));
}

/** Lists what was predicted. @internal */
export function grantPredictions(steps: Lambda, { predictions }: PredictionBooks): void {
  allow(steps, dynamo('Scan'), predictions.tableArn);
}
