import { Duration, Lazy, Size, Stack } from 'aws-cdk-lib';
import { TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { IStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { DatasetCatalog } from '../data';
import { DATA_ENV } from '../data/contract';
import { PredictionBooks } from '../integration';
import { ENV } from '../integration/contract';
import { registerAlarm } from '../ownership/alarms';
import { Layer, Severity } from '../ownership/layer';
import { withoutPolicyFindings } from '../shared/acknowledgements';
import { failOn, mismatch, unknownAtSynth } from '../shared/checks';
import { handlerFunction } from '../shared/handler-function';
import { generatedName, physicalName } from '../shared/names';
import { failedExecutions, operationMachine } from '../shared/operation-machine';
import { DELIVERY_ENV } from './contract';
import { grantCatalogue, grantDataset, grantPredictions, grantReleases } from './data-recall-grants';
import { ModelRelease } from './model-release';

/** Properties of a `DataRecall`. */
export interface DataRecallProps {
  /** The catalogue whose datasets can be recalled, those that are added to it later too. */
  readonly catalog: DatasetCatalog;
  /**
   * Releases of the models that were trained on them: their versions are found in the registry by its name prefix, and barred.
   *
   * @default - no model is trained: data alone is withdrawn
   */
  readonly release?: ModelRelease;
  /**
   * Books of the predictions that those models make.
   *
   * @default - no prediction is listed
   */
  readonly books?: PredictionBooks;
  /**
   * Start of the names of machine and alarm: 1 to 60 lower-case letters, digits and hyphens, known at synth.
   *
   * @default - generated from the construct path
   */
  readonly recallName?: string;
}

/**
 * Takes data out of use that turned out to be wrong: a file or a dataset version is in no future dataset, cannot be queried any more, and the model versions
 * that were trained on it are barred from release. What they predicted is listed, and the version to take instead.
 *
 * Limits: 15 minutes to read a ledger, the manifests of its dataset, and the list of the registry's versions.
 */
export class DataRecall extends Construct {
  /**
   * Its input is `{operation: 'withdraw', dryRun, reason, requestedBy, selection: {thing, version}}`, where a thing is the key of an object or the id of a dataset
   * version; without `dryRun: false` it only says what it would do. Each execution leaves `<dataset>/operations/<execution>/report.json` in the validated
   * zone, and beside it every file, version and prediction. What is refused changed nothing: such an execution succeeds with the answer `{refused}`.
   */
  public readonly machine: IStateMachine;

  constructor(scope: Construct, id: string, props: DataRecallProps) {
    super(scope, id);
    failOn(this, 'InvalidDataRecall', [
      ...unknownAtSynth('recallName', props.recallName),
      ...mismatch('recallName', props.recallName, /^[a-z0-9][a-z0-9-]{0,59}$/, '1 to 60 lower-case letters, digits and hyphens'),
    ]);
    const name = props.recallName ?? generatedName(this, 60);
    const steps = this.createSteps(props);
    this.machine = operationMachine(this, 'Machine', 'States', {
      stateMachineName: physicalName([name, 'recall'], 80),
      comment: 'Takes data out of use, and bars what was trained on it',
      steps,
    });
    this.createAlarm(name);
  }

  /** Lets `grantee` recall data: start executions of the machine and follow them. */
  public grantRecall(grantee: IGrantable): Grant {
    return this.machine.grantStartExecution(grantee).combine(this.machine.grantExecution(grantee, 'states:DescribeExecution'));
  }

  private createSteps({ catalog, release, books }: DataRecallProps): Lambda {
    const ledgers: Record<string, string> = {};
    const steps = handlerFunction(this, 'Steps', {
      handler: 'data-recall',
      description: 'Steps of what takes data out of use',
      timeout: Duration.minutes(15),
      memory: Size.mebibytes(1769),
      environment: {
        [DATA_ENV.datasets]: Lazy.string({ produce: () => Stack.of(this).toJsonString(ledgers) }),
        [DATA_ENV.catalogue]: catalog.table.tableName,
        [DATA_ENV.validatedBucket]: catalog.manifests.bucketName,
        ...(release === undefined ? {} : { [DELIVERY_ENV.prefix]: release._namePrefix, [DELIVERY_ENV.releases]: release.table.tableName }),
        ...(books === undefined ? {} : { [ENV.predictionsTable]: books.predictions.tableName }),
        ...(books?.clockParameter === undefined ? {} : { [DELIVERY_ENV.replayed]: '1' }),
      },
    });
    grantCatalogue(steps, catalog);
    catalog._eachDataset(({ dataset, ledger }) => {
      ledgers[dataset] = ledger.tableName;
      grantDataset(steps, catalog, dataset, ledger);
    });
    if (release !== undefined) {
      grantReleases(steps, release);
    }
    if (books !== undefined) {
      grantPredictions(steps, books);
    }
    withoutPolicyFindings(steps);
    return steps;
  }

  private createAlarm(name: string): void {
    registerAlarm(this, 'FailingAlarm', {
      layer: Layer.DATA,
      severity: Severity.TICKET,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      alarmName: physicalName([name, 'recall-failed'], 255),
      summary: 'Data that somebody withdrew may still be in use: the withdrawal was not completed.',
      firstAction: 'read the error of the failed execution, then withdraw the same again: it goes on with what is left.',
      runbook: 'recall-failed',
      metric: failedExecutions(this.machine),
      threshold: 1,
    });
  }
}
