import { DeleteEndpointCommand } from '@aws-sdk/client-sagemaker';
import { InvokeEndpointCommand, SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { CREDENTIALS, REGION } from '../../../local/start/clients';
import type { ReleaseWorld } from '../release-world';
import { Arena, Scenario } from './arena';
import { serving } from './causes';

/** Requests to the endpoint, several at a time, until `work` is over. What they are answered does not matter: they take their time. */
export async function underTraffic(arena: Arena, world: ReleaseWorld, work: () => Promise<void>): Promise<number> {
  const runtime = new SageMakerRuntimeClient({ endpoint: arena.account.url, region: REGION, credentials: CREDENTIALS, maxAttempts: 1 });
  const request = new InvokeEndpointCommand({ EndpointName: world.names.endpoint, ContentType: 'application/json', Body: '{"inputs":[]}' });
  let [over, sent] = [false, 0];
  const caller = async () => {
    while (!over) {
      await runtime.send(request).catch(() => undefined);
      sent++;
    }
  };
  const callers = Array.from({ length: 4 }, caller);
  try {
    await work();
  } finally {
    over = true;
    await Promise.all(callers);
  }
  return sent;
}

/** Takes minutes of the platform clock in which requests count: not with a fast one. */
export const SLOW: Scenario[] = [
  {
    name: 'a slow version: the endpoint goes back by itself, and so does everything else',
    run: async (arena, book) => {
      const world = await arena.world();
      const before = await serving(world);
      const version = await world.register();
      await book.round(world, async () => {
        await arena.faults({ models: [{ artifact: version, latencyMs: 900 }] });
        await underTraffic(arena, world, async () => {
          await world.approve(version);
          await world.ended(version);
        });
        return { desired: before, released: {}, after: () => world.marked(version, 'failed') };
      });
      await arena.faults({});
      await book.round(world, async () => {
        await arena.deploy();
        await world.wake();
        return { desired: before, released: {} };
      });
    },
  },
];

/** Releases that do not succeed. */
export const ROLLBACKS: Scenario[] = [
  {
    name: 'a version that does not start: what served before serves on, and a deployment changes nothing',
    short: true,
    run: async (arena, book) => {
      const world = await arena.world();
      const before = await serving(world);
      const version = await world.register();
      await book.round(world, async () => {
        await arena.faults({ models: [{ artifact: version, failPing: true }] });
        await world.approve(version);
        await world.ended(version);
        return { desired: before, released: {}, after: () => world.marked(version, 'failed') };
      });
      await arena.faults({});
      await book.round(world, async () => {
        await arena.deploy();
        await world.wake();
        await world.approve(version);
        return { desired: before, released: {} };
      });
    },
  },
  {
    name: 'neither the new version starts nor the old one again: the fleet that runs serves on',
    run: async (arena, book) => {
      const world = await arena.world();
      const before = await serving(world);
      const version = await world.register();
      await book.round(world, async () => {
        await arena.faults({ models: [version, before].map((artifact) => ({ artifact, failPing: true })) });
        await world.approve(version);
        await world.ended(version);
        book.same('how the release ended', (await world.releaseOf(version))?.state, 'failed');
        return { desired: before, released: {}, after: () => world.marked(version, 'failed') };
      });
    },
  },
];

/** It leaves a workload that only a person repairs. */
export const DELETED: Scenario[] = [
  {
    name: 'the endpoint is deleted by hand: a person is called, and the pointer stays',
    run: async (arena, book) => {
      const world = await arena.world();
      const before = await serving(world);
      await book.round(world, async () => {
        await world.clients.sageMaker.send(new DeleteEndpointCommand({ EndpointName: world.names.endpoint }));
        await world.wake();
        await world.ended(before);
        book.same('how the release ended', (await world.releaseOf(before))?.state, 'stuck');
        book.same('the pointer', await world.pointer(), before);
        return { desired: undefined, released: {} };
      });
    },
  },
];
