import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { EventBus } from 'aws-cdk-lib/aws-events';
import {
  DataContract,
  DataIntake,
  DatasetCatalog,
  DataZones,
  InferenceImage,
  InstanceType,
  ModelArtifacts,
  ModelRegistry,
  Slo,
  TimeSplit,
} from '../../../lib';
import { QualityGate, TrainingPipeline, TrainingPipelineProps } from '../../../lib/constructs/delivery';
import { synth } from '../../support/synth';
import { contractOf, FLIGHTS, Loose } from '../data/contracts';
import { flat } from '../data/statements';

/** A folder with files of this content. */
export function folderOf(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'training-test-'));
  Object.entries(files).forEach(([name, content]) => writeFileSync(join(folder, name), content));
  return folder;
}

export const CODE = folderOf({ 'train.py': 'pass\n', 'evaluation.py': 'pass\n' });
export const PROGRAMS = folderOf({ 'prepare.py': 'pass  # prepare\n', 'evaluate.py': 'pass  # evaluate\n' });

/** A pipeline with everything that it needs, in one stack. */
export const build = (given: Partial<TrainingPipelineProps> = {}) =>
  synth(
    (stack: Stack) => {
      const zones = new DataZones(stack, 'Zones');
      const catalog = new DatasetCatalog(stack, 'Catalog', { zones, catalogName: 'air-dev' });
      const split = TimeSplit.closedMonths({ eventTime: ['year', 'month', 'day'] });
      catalog.addDataset(new DataIntake(stack, 'Flights', { zones, contract: DataContract.fromFile(FLIGHTS), intakeName: 'air' }), {
        split,
      });
      catalog.addDataset(new DataIntake(stack, 'Orders', { zones, contract: contractOf(), intakeName: 'orders' }));
      return new TrainingPipeline(stack, 'Training', {
        namePrefix: 'air-dev',
        model: 'delay',
        registry: new ModelRegistry(stack, 'Registry', { namePrefix: 'air-dev', model: 'delay' }),
        artifacts: new ModelArtifacts(stack, 'Artifacts', { namePrefix: 'air-dev', accessLogs: zones.accessLogs }),
        catalog,
        dataset: 'flights',
        bus: new EventBus(stack, 'Bus'),
        code: CODE,
        programs: PROGRAMS,
        image: InferenceImage.scikitLearn('1.4-2'),
        trainingInstance: InstanceType.ML_M5_XLARGE,
        servingInstance: InstanceType.ML_M5_LARGE,
        parameters: { depth: '4' },
        gate: QualityGate.averagePrecision({ lowestAuc: 0.62, highestAuc: 0.74 }),
        slo: Slo.latency({ percentile: 99, below: Duration.millis(100) }),
        owner: 'ml-team',
        purpose: 'Warns of late arrivals.',
        intendedUses: 'Telling passengers at least an hour before departure.',
        limits: 'Knows flights from New York only.',
        ...given,
      });
    },
    { account: '111111111111', region: 'eu-central-1' },
  );

/** The machine that trains, among those of its stack. */
export function trainingDefinition(template: Template): Loose {
  const machines = Object.entries(template.findResources('AWS::StepFunctions::StateMachine'));
  return JSON.parse(flat(machines.find(([id]) => id.startsWith('Training'))![1].Properties.DefinitionString));
}
