import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChangeMessageVisibilityCommand, GetQueueUrlCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { aprilTraffic } from '../../examples/flight-delays/traffic';
import { Layer } from '../../lib/constructs/ownership/layer';
import { DEMO } from './demo-config';
import { Run, Step, until } from './run';

const MODEL = DEMO.model;

interface Notice {
  AlarmName: string;
  NewStateValue: string;
  StateChangeTime: string;
}

/**
 * Kills the model's process and nothing else. What follows is the deployed system's doing: requests fail, the host publishes what
 * SageMaker would, the alarm evaluates it, its owner is told, the host restarts the container, the alarm returns to OK.
 */
export function outageStep(run: Run): Step {
  return {
    title: "Kill the model's process: the owner is told, the host restarts it, the alarm clears",
    run: async (say) => {
      const inbox = await Inbox.ofOwner(run);
      const alarm = `${run.prefix}-${MODEL}-unhealthy`;
      const [{ request }] = await aprilTraffic();
      const traffic = startTraffic(run, request);
      try {
        run.figures.outage = await outage(run, alarm, inbox, traffic, say);
      } finally {
        await inbox.giveBack();
        await traffic.stop();
      }
    },
  };
}

/** The queue that the config names for the owner of `serving`. What is read stays there for whoever it is meant for. */
class Inbox {
  private readonly read = new Map<string, { notice: Notice; handle: string }>();

  private constructor(
    private readonly run: Run,
    public readonly team: string,
    public readonly name: string,
    private readonly url: string,
  ) {}

  public static async ofOwner(run: Run): Promise<Inbox> {
    const team = run.config.owners[Layer.SERVING];
    const queue = run.config.teams[team].page.find((destination) => destination.queue !== undefined)?.queue;
    if (queue === undefined) {
      throw new Error(
        `NoInbox: team '${team}' owns serving but has no 'queue' under teams.${team}.page in the config, and no mail is sent here: add one`,
      );
    }
    const name = `${run.prefix}-${queue}`;
    const { QueueUrl } = await run.clients.sqs.send(new GetQueueUrlCommand({ QueueName: name }));
    return new Inbox(run, team, name, QueueUrl!);
  }

  /** What came for one alarm since a moment, oldest first. */
  public async notices(alarm: string, since: number): Promise<Notice[]> {
    const { Messages = [] } = await this.run.clients.sqs.send(new ReceiveMessageCommand({ QueueUrl: this.url, MaxNumberOfMessages: 10 }));
    for (const { MessageId, Body, ReceiptHandle } of Messages) {
      const { Message } = JSON.parse(Body!) as { Message: string };
      this.read.set(MessageId!, { notice: JSON.parse(Message) as Notice, handle: ReceiptHandle! });
    }
    return [...this.read.values()]
      .map(({ notice }) => notice)
      .filter(({ AlarmName, StateChangeTime }) => AlarmName === alarm && Date.parse(StateChangeTime) >= since)
      .sort((a, b) => Date.parse(a.StateChangeTime) - Date.parse(b.StateChangeTime));
  }

  /** Makes everything readable again at once. */
  public async giveBack(): Promise<void> {
    for (const { handle } of this.read.values()) {
      const visible = { QueueUrl: this.url, ReceiptHandle: handle, VisibilityTimeout: 0 };
      await this.run.clients.sqs.send(new ChangeMessageVisibilityCommand(visible));
    }
  }
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

/** Asks the model over and over, five times a second, as its users would; the ids are new ones, so the books of April stay as they are. */
function startTraffic({ api, signal }: Run, request: object) {
  let failures = 0;
  let running = true;
  const loop = (async () => {
    for (let i = 0; running && !signal.aborted; i++) {
      const { status } = await api('POST', `/v2/models/${MODEL}/infer`, { ...request, id: `outage-${i}`, parameters: {} });
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
