import { join } from 'node:path';
import { App, BootstraplessSynthesizer, Duration, Stack, Tags } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { CreateStackCommand } from '@aws-sdk/client-cloudformation';
import {
  CreateModelPackageGroupCommand,
  DescribeEndpointCommand,
  DescribeEndpointConfigCommand,
  DescribeModelCommand,
} from '@aws-sdk/client-sagemaker';
import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import { PutParameterCommand } from '@aws-sdk/client-ssm';
import { WORKLOAD_TAG } from '../../../lib/constructs/delivery/contract';
import { InferenceImage, ModelSource } from '../../../lib/constructs/models';
import { NO_VERSION } from '../../../lib/constructs/models/contract';
import { InferenceEndpoint, InstanceType, Slo } from '../../../lib/constructs/serving';
import { REGION, stackOutputs } from '../../../local/start/clients';
import { ReleaseWorld } from '../release-world';
import { Arena, PREFIX, Scenario } from './arena';
import { serving } from './causes';
import { underTraffic } from './rollbacks';

const [OWN, BESIDE] = ['ab', 'ab-beside'];

/** The same workload, seen from the model of a variant: group and pointer are its own, stack and endpoint are another model's. */
class VariantWorld extends ReleaseWorld {
  public override live = async (): Promise<string | undefined> => {
    const { sageMaker } = this.clients;
    const { EndpointConfigName } = await sageMaker.send(new DescribeEndpointCommand({ EndpointName: this.names.endpoint }));
    const { ProductionVariants = [] } = await sageMaker.send(new DescribeEndpointConfigCommand({ EndpointConfigName }));
    const { ModelName } = ProductionVariants.find(({ VariantName }) => VariantName === 'beside')!;
    const { PrimaryContainer } = await sageMaker.send(new DescribeModelCommand({ ModelName }));
    const found = PrimaryContainer?.ModelPackageName;
    return found?.includes(`/${this.names.group}/`) === true ? found : undefined;
  };
}

/** A serving stack of two models: that of its endpoint, and one beside it that takes half of the requests. */
function template(arena: Arena, artifacts: string): string {
  const app = new App({ outdir: join(arena.account.stateDir, 'variants'), analyticsReporting: false });
  const stack = new Stack(app, 'Variants', { synthesizer: new BootstraplessSynthesizer(), env: { region: REGION } });
  const bucket = Bucket.fromBucketName(stack, 'Artifacts', artifacts);
  const image = InferenceImage.scikitLearn('1.4-2');
  const registry = (model: string) => ModelSource.fromRegistry({ namePrefix: PREFIX, model, artifacts: bucket, image });
  new InferenceEndpoint(stack, 'Endpoint', {
    model: registry(OWN),
    instance: InstanceType.ML_M5_LARGE,
    slo: Slo.latency({ percentile: 99, below: Duration.millis(500) }),
    variants: [{ name: 'beside', weight: 1, model: registry(BESIDE) }],
  });
  Tags.of(stack).add(WORKLOAD_TAG, PREFIX);
  return JSON.stringify(app.synth().getStackArtifact(stack.artifactId).template);
}

/** Both models; their stack is deployed once, with pointers that name no version. */
async function worlds(arena: Arena): Promise<{ own: ReleaseWorld; beside: VariantWorld }> {
  const { clients } = arena;
  const outputs = await stackOutputs(clients);
  const own = new ReleaseWorld(clients, outputs, PREFIX, OWN);
  const beside = new VariantWorld(clients, outputs, PREFIX, BESIDE);
  const { stack, endpoint } = own.names;
  Object.assign(beside.names, { stack, endpoint });
  if ((await own.pointer()) === undefined) {
    for (const { names, parameter } of [own, beside]) {
      await clients.sageMaker.send(new CreateModelPackageGroupCommand({ ModelPackageGroupName: names.group }));
      await clients.ssm.send(new PutParameterCommand({ Name: parameter, Value: NO_VERSION, Type: 'String' }));
    }
    const TemplateBody = template(arena, outputs.ArtifactBucket);
    await clients.cloudFormation.send(new CreateStackCommand({ StackName: stack, TemplateBody, Capabilities: ['CAPABILITY_NAMED_IAM'] }));
    await own.quiet();
  }
  return { own, beside };
}

/** Both models with a version that serves. */
async function bothServing(arena: Arena) {
  const { own, beside } = await worlds(arena);
  return { own, beside, first: await serving(own), second: await serving(beside) };
}

/** A model that is served as a variant of another one's endpoint. */
export const VARIANTS: Scenario[] = [
  {
    name: 'a variant is approved before its endpoint is there: it is released after it, and blamed for nothing',
    short: true,
    run: async (arena, book) => {
      const { own, beside } = await worlds(arena);
      const [first, second] = [await own.register(), await beside.register()];
      await beside.approve(second);
      await own.quiet();
      book.same('the pointer of the variant', await beside.pointer(), NO_VERSION);
      await book.round(beside, async () => {
        await own.approve(first);
        await own.served(first);
        await beside.served(second);
        return { desired: second, released: { [second]: 1 }, updates: 2 };
      });
      book.problems.push(...(await own.problems(first)));
    },
  },
  {
    name: 'a version of a variant that does not start: both models serve on as before',
    short: true,
    run: async (arena, book) => {
      const { own, beside, first, second } = await bothServing(arena);
      const version = await beside.register();
      await book.round(beside, async () => {
        await arena.faults({ models: [{ artifact: version, failPing: true }] });
        await beside.approve(version);
        await beside.ended(version);
        return { desired: second, released: {}, after: () => beside.marked(version, 'failed') };
      });
      await arena.faults({});
      book.problems.push(...(await own.problems(first)));
    },
  },
  {
    name: 'both models of an endpoint are approved at once: one after the other, each once',
    run: async (arena, book) => {
      const { own, beside } = await bothServing(arena);
      const [first, second] = [await own.register(), await beside.register()];
      await book.round(beside, async () => {
        await Promise.all([own.approve(first), beside.approve(second)]);
        await own.served(first);
        await beside.served(second);
        return { desired: second, released: { [second]: 1 }, updates: 2 };
      });
      book.problems.push(...(await own.problems(first)));
      book.same('releases of the other model', (await own.released())[first], 1);
    },
  },
  {
    name: 'the release of a variant is killed while its stack is updated: it ends as if nothing was',
    run: async (arena, book) => {
      const { own, beside, first } = await bothServing(arena);
      const version = await beside.register();
      await book.round(beside, async () => {
        await beside.approve(version);
        await beside.releasing(version, 'updating');
        for (const executionArn of await beside.running()) {
          await arena.clients.sfn.send(new StopExecutionCommand({ executionArn }));
          book.killed('updating');
        }
        await beside.served(version);
        return { desired: version, released: { [version]: 1 }, updates: 1 };
      });
      book.problems.push(...(await own.problems(first)));
    },
  },
];

/** Takes minutes of the platform clock in which requests count: not with a fast one. */
export const SLOW_VARIANT: Scenario[] = [
  {
    name: 'a slow version of a variant: its own alarm undoes the update',
    run: async (arena, book) => {
      const { own, beside, first, second } = await bothServing(arena);
      const version = await beside.register();
      await book.round(beside, async () => {
        await arena.faults({ models: [{ artifact: version, latencyMs: 900 }] });
        await underTraffic(arena, own, async () => {
          await beside.approve(version);
          await beside.ended(version, 240);
        });
        return { desired: second, released: {}, after: () => beside.marked(version, 'failed') };
      });
      await arena.faults({});
      book.problems.push(...(await own.problems(first)));
    },
  },
];
