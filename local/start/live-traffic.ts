import { DEMO } from './demo-config';
import type { Run } from './run';

/** Asks the model over and over, five times a second, as its users would; the ids are new ones, so the books of April stay as they are. */
export function startTraffic({ api, signal }: Run, request: object, name: string) {
  let failures = 0;
  let running = true;
  const loop = (async () => {
    for (let i = 0; running && !signal.aborted; i++) {
      const { status } = await api('POST', `/v2/models/${DEMO.model}/infer`, { ...request, id: `${name}-${i}`, parameters: {} });
      failures += status === 200 ? 0 : 1;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  })();
  return {
    failed: () => failures,
    stop: async () => {
      running = false;
      await loop.catch(() => undefined);
    },
  };
}
