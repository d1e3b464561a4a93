import { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { FilterCriteria, FilterRule, Function as Lambda, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { DynamoEventSource, SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources';
import { IQueue } from 'aws-cdk-lib/aws-sqs';

/**
 * Lets a function follow what was entered and changed in a table, as an outbox does: from the first change on, in their order, tried 20
 * times; what still fails is named in `lost`.
 *
 * @internal
 */
export function followChanges(fn: Lambda, table: ITable, lost: IQueue): void {
  fn.addEventSource(
    new DynamoEventSource(table, {
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize: 100,
      reportBatchItemFailures: true,
      bisectBatchOnError: true,
      retryAttempts: 20,
      onFailure: new SqsDlq(lost),
      filters: [FilterCriteria.filter({ eventName: FilterRule.or('INSERT', 'MODIFY') })],
    }),
  );
}
