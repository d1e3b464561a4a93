import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { aprilTraffic } from '../../examples/flight-delays/traffic';
import { Layer } from '../../lib/constructs/ownership/layer';
import { endOf } from './data-steps';
import { DEMO } from './demo-config';
import { Inbox, Notice } from './inbox';
import { startTraffic } from './live-traffic';
import { Run, Step, until } from './run';
import { ARRIVALS } from './training-steps';
import { moveClock } from './workload-clock';

const MODEL = DEMO.model;

/**
 * Kills the model's process and nothing else. What follows is the deployed system's doing: requests fail, the host publishes what
 * SageMaker would, the alarm evaluates it, its owner is told, the host restarts the container, the alarm returns to OK. That takes the
 * alarm's window after the restart, in which other things may happen: hence two steps.
 */
export function outageSteps(run: Run): [Step, Step] {
  let outage: Outage;
  return [
    {
      title: "Kill the model's process: the owner is told, and the host restarts it",
      run: async (say) => {
        const trips = await aprilTraffic();
        // What is asked here is none of the flights that are replayed later: for the workload, they are over. The clock stands at the latest
        // moment that a month arrives at in this run, because the expiry job would end at a later one what is asked here.
        await moveClock(run, endOf(run.options.months[1] + ARRIVALS));
        outage = await Outage.begin(run, trips[0].request);
        await outage.untilRestart(say);
      },
    },
    {
      title: 'The alarm of the outage clears, and the owner is told',
      run: async (say) => {
        run.figures.outage = await outage.untilOk(say);
      },
    },
  ];
}

/** An outage from the kill to the alarm's return to OK, under traffic. */
class Outage {
  private readonly alarm: string;
  private readonly before: number;
  private readonly start = Date.now();
  private notices: Notice[] = [];
  private seconds = { untilNotice: 0, untilRestart: 0, untilOk: 0 };

  private constructor(
    private readonly run: Run,
    private readonly inbox: Inbox,
    private readonly traffic: ReturnType<typeof startTraffic>,
  ) {
    this.alarm = `${run.prefix}-${MODEL}-unhealthy`;
    this.before = hostedProcess(run);
    process.kill(this.before, 'SIGKILL');
  }

  public static async begin(run: Run, request: object): Promise<Outage> {
    const inbox = await Inbox.ofOwner(run, Layer.SERVING);
    return new Outage(run, inbox, startTraffic(run, request, 'outage'));
  }

  public async untilRestart(say: (text: string) => void): Promise<void> {
    try {
      this.seconds.untilNotice = await this.told('ALARM', say);
      this.seconds.untilRestart = await until("the container's restart", 60, this.run.signal, async () => {
        const pid = hostedProcess(this.run);
        return pid !== this.before && pid > 0 ? this.elapsed() : undefined;
      });
    } catch (error) {
      await this.end();
      throw error;
    }
  }

  public async untilOk(say: (text: string) => void): Promise<NonNullable<Run['figures']['outage']>> {
    const restartedAs = hostedProcess(this.run);
    try {
      this.seconds.untilOk = await this.told('OK', say);
    } finally {
      await this.end();
    }
    const { alarm, before, inbox, notices, seconds, traffic } = this;
    return {
      ...{ alarm, team: inbox.team, inbox: inbox.name, pid: before, restartedAs, failed: traffic.failed(), seconds },
      notices: notices.map(({ NewStateValue, StateChangeTime }) => ({ state: NewStateValue, at: StateChangeTime })),
    };
  }

  private told(state: string, say: (text: string) => void): Promise<number> {
    return until(`the notice of ${this.alarm} ${state} in ${this.inbox.name}`, 120, this.run.signal, async () => {
      this.notices = await this.inbox.notices(this.alarm, this.start);
      const states = this.notices.map(({ NewStateValue }) => NewStateValue);
      say(`process ${this.before} killed, ${this.traffic.failed()} requests failed; notices: ${states.join(', ') || 'none yet'}`);
      return states.includes(state) ? this.elapsed() : undefined;
    });
  }

  private elapsed(): number {
    return Math.round((Date.now() - this.start) / 100) / 10;
  }

  private async end(): Promise<void> {
    await this.inbox.giveBack();
    await this.traffic.stop();
  }
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
