import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { aprilTraffic } from '../../examples/flight-delays/traffic';
import { Layer } from '../../lib/constructs/ownership/layer';
import { DEMO } from './demo-config';
import { Inbox, Notice } from './inbox';
import { startTraffic } from './live-traffic';
import { Run, Step, until } from './run';
import { replayEnd } from './traffic-steps';
import { moveClock } from './workload-clock';

const MODEL = DEMO.model;

/**
 * Kills the model's process and nothing else. What follows is the deployed system's doing: requests fail, the host publishes what
 * SageMaker would, the alarm evaluates it, its owner is told, the host restarts the container, the alarm returns to OK.
 */
export function outageStep(run: Run): Step {
  return {
    title: "Kill the model's process: the owner is told, the host restarts it, the alarm clears",
    run: async (say) => {
      const inbox = await Inbox.ofOwner(run, Layer.SERVING);
      const alarm = `${run.prefix}-${MODEL}-unhealthy`;
      const trips = await aprilTraffic();
      const [{ request }] = trips;
      // What is asked here is none of the flights that are replayed later: for the workload, they are over.
      await moveClock(run, replayEnd(run, trips));
      const traffic = startTraffic(run, request, 'outage');
      try {
        run.figures.outage = await outage(run, alarm, inbox, traffic, say);
      } finally {
        await inbox.giveBack();
        await traffic.stop();
      }
    },
  };
}

async function outage(
  run: Run,
  alarm: string,
  inbox: Inbox,
  traffic: ReturnType<typeof startTraffic>,
  say: (text: string) => void,
): Promise<NonNullable<Run['figures']['outage']>> {
  const before = hostedProcess(run);
  say(`kill ${before}`);
  const start = Date.now();
  const seconds = () => Math.round((Date.now() - start) / 100) / 10;
  process.kill(before, 'SIGKILL');
  let notices: Notice[] = [];
  const told = (state: string) =>
    until(`the notice of ${alarm} ${state} in ${inbox.name}`, 120, run.signal, async () => {
      notices = await inbox.notices(alarm, start);
      say(`${traffic.failed()} requests failed; notices: ${notices.map(({ NewStateValue }) => NewStateValue).join(', ') || 'none yet'}`);
      return notices.some(({ NewStateValue }) => NewStateValue === state) ? seconds() : undefined;
    });
  const untilNotice = await told('ALARM');
  const untilRestart = await until("the container's restart", 60, run.signal, async () => {
    const pid = hostedProcess(run);
    return pid !== before && pid > 0 ? seconds() : undefined;
  });
  const untilOk = await told('OK');
  return {
    ...{ alarm, team: inbox.team, inbox: inbox.name, pid: before, restartedAs: hostedProcess(run), failed: traffic.failed() },
    notices: notices.map(({ NewStateValue, StateChangeTime }) => ({ state: NewStateValue, at: StateChangeTime })),
    seconds: { untilNotice, untilRestart, untilOk },
  };
}

/** The process behind the endpoint, as the host tells its operator. */
function hostedProcess({ account, prefix }: Run): number {
  const hosts = JSON.parse(readFileSync(join(account.stateDir, 'endpoints.json'), 'utf8')) as Record<
    string,
    { variants: Record<string, { pid: number | null }[]> }
  >;
  const [instance] = Object.values(hosts[`${prefix}-${MODEL}`].variants)[0];
  return instance.pid ?? 0;
}
