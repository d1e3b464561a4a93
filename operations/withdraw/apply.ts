import { UpdateModelPackageCommand } from '@aws-sdk/client-sagemaker';
import { PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { LEDGER, Withdrawal } from '../../lib/constructs/data/contract';
import { MarkReason, RELEASES } from '../../lib/constructs/delivery/contract';
import type { Clients } from '../clients';
import { markEntry } from '../releases';
import type { AffectedVersion } from './affected';

async function unlessDone(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if ((error as Error).name !== 'ConditionalCheckFailedException') {
      throw error;
    }
  }
}

/** Nothing is trained on the version any more, and it is not published again. Who, when and why stay those of the first time. */
export function withdrawDataset({ tables }: Clients, TableName: string, dataset: string, id: string, by: Withdrawal): Promise<void> {
  return unlessDone(
    tables.send(
      new UpdateCommand({
        TableName,
        Key: { [LEDGER.key]: `${dataset}#${id}` },
        ConditionExpression: 'attribute_exists(pk) AND attribute_not_exists(withdrawal)',
        UpdateExpression: 'SET withdrawal = :id, withdrawnAt = :at, withdrawnBy = :by, withdrawnReason = :why',
        ExpressionAttributeValues: { ':id': by.withdrawal, ':at': by.withdrawnAt, ':by': by.withdrawnBy, ':why': by.withdrawnReason },
      }),
    ),
  );
}

/** An approval description has at most 1,024 characters (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateModelPackage.html). */
const DESCRIPTION = 1024;

/**
 * Bars a version from release: first by a mark, which the release machine respects whatever becomes of the approval, then in the registry. The one
 * that serves is left alone: without it the machine would go back to an older one by itself.
 */
export async function bar(clients: Clients, TableName: string, model: string, version: AffectedVersion, by: Withdrawal): Promise<void> {
  const why = `dataset ${version.dataset} was withdrawn: ${by.withdrawnReason}`;
  await unlessDone(
    clients.tables.send(
      new PutCommand({
        TableName,
        Item: {
          ...{ [RELEASES.key]: model, [RELEASES.sort]: markEntry(version.version) },
          ...{ reason: MarkReason.WITHDRAWN, why, by: by.withdrawnBy, at: by.withdrawnAt },
        },
        ConditionExpression: 'attribute_not_exists(#reason) OR #reason <> :withdrawn',
        ExpressionAttributeNames: { '#reason': 'reason' },
        ExpressionAttributeValues: { ':withdrawn': MarkReason.WITHDRAWN },
      }),
    ),
  );
  if (version.approval !== 'Rejected') {
    const ApprovalDescription = `${by.withdrawal}: ${why}`.slice(0, DESCRIPTION);
    await clients.registry.send(
      new UpdateModelPackageCommand({ ModelPackageArn: version.arn, ModelApprovalStatus: 'Rejected', ApprovalDescription }),
    );
  }
}
