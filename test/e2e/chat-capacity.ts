// `npm run measure:chat`: finds what one copy of the chat example serves, and writes its capacity file. What is measured is the stand-in of the local
// account, by itself and on the platform clock: the requests of examples/chat/data in turn, streamed, with Poisson arrivals [A2], and where the config has it
// serve by priority, with that of their time. On AWS the same is `npm run measure -- <endpoint> --component <component>`. An argument is the rate above which nothing is tried, for a
// machine that does other things too. Last line: `N passed, N failed`.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createServer, AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { awaited, chatRequest, conversations, PRIORITY_WINDOW_SECONDS } from '../../examples/chat/traffic';
import { MeasuredCapacity } from '../../lib';
import { loadBlueprint } from '../../lib/config/load';
import { imageOf } from '../../lib/stacks/images';
import { ensurePython } from '../../local/python';
import { poisson } from '../../operations/measure/arrivals';
import type { Clock } from '../../operations/measure/clock';
import type { Send } from '../../operations/measure/open-loop';
import { stepLine } from '../../operations/measure/report';
import { measureRate, watchEventLoop } from '../../operations/measure/run';

const CONFIG = 'config/chat.yaml';
const FACTOR = 60;
const SEED = 1;
const MAX_MINUTES = 24 * 60;
const root = resolve(__dirname, '../..');

/** Time of the stand-in: everything that is measured is in its seconds. */
const platformClock: Clock = {
  now: () => performance.now() * FACTOR,
  until: (time) => new Promise((done) => setTimeout(done, Math.max(0, time / FACTOR - performance.now()))),
};

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

/** Sends the recorded requests in turn, with the priority of the moment where the server works by it. An answer counts when its last token is there. */
function sender(port: number, byPriority: boolean): Send {
  const all = conversations();
  const more = () => (byPriority ? awaited(platformClock.now() / 1000) : { stream: true });
  const agent = new Agent({ keepAlive: false });
  return (i) =>
    new Promise((done) => {
      const call = request({ port, host: '127.0.0.1', method: 'POST', path: '/invocations', agent }, (answer) => {
        let last = '';
        answer.on('data', (part: Buffer) => (last = part.toString()));
        answer.on('end', () => done(answer.statusCode === 200 && last.endsWith('[DONE]\n\n') ? undefined : `status ${answer.statusCode}`));
        answer.on('error', (error) => done(error.message));
      });
      call.on('error', (error) => done(error.message));
      call.end(JSON.stringify(chatRequest(all[i % all.length], more())));
    });
}

async function ready(port: number): Promise<void> {
  for (;;) {
    const status = await fetch(`http://127.0.0.1:${port}/ping`).then(
      (answer) => answer.status,
      () => 0,
    );
    if (status === 200) {
      return;
    }
    await new Promise((done) => setTimeout(done, 100));
  }
}

async function main(): Promise<void> {
  const [[, endpoint]] = Object.entries(loadBlueprint(join(root, CONFIG)).componentEndpoints);
  const [[name, { slo, image, model }]] = Object.entries(endpoint.components);
  const objective = { percentile: slo.latencyPercentile, belowMs: slo.latencyBelowMs, availabilityPercent: slo.availabilityPercent };
  const byPriority = endpoint.components[name].environment.OPTION_SCHEDULING_POLICY === 'priority';
  const priorityWindowSeconds = byPriority ? PRIORITY_WINDOW_SECONDS : undefined;
  const [port, folder] = [await freePort(), mkdtempSync(join(tmpdir(), 'chat-capacity-'))];
  const env = {
    ...{ PATH: process.env.PATH, PYTHONPATH: join(root, 'local/account/sagemaker'), SAGEMAKER_BIND_TO_PORT: String(port) },
    ...endpoint.components[name].environment,
    STAND_IN_INSTANCE_TYPE: endpoint.instance,
    STAND_IN_MODEL_DATA: model.huggingFace?.id ?? model.s3Prefix,
    STAND_IN_CLOCK_FACTOR: String(FACTOR),
    STAND_IN_STARTED: String(Date.now() / 1000),
  };
  const container = spawn(await ensurePython(), ['-m', 'llm.server'], { cwd: folder, env, stdio: ['pipe', 'inherit', 'inherit'] });
  try {
    await ready(port);
    const send = sender(port, byPriority);
    const started = platformClock.now();
    const failure = await send(0);
    const typical = platformClock.now() - started;
    console.log(
      `${name}: ${failure ?? `${(typical / 1000).toFixed(1)} s for one request alone`}, times are those of the platform clock, ${FACTOR} times real time`,
    );
    const options = { objective, maxRate: Number(process.argv[2] ?? 10), maxMinutes: MAX_MINUTES, seed: SEED } as never;
    const bench = { clock: platformClock, send, arrivals: poisson, watchLoop: () => scaled(watchEventLoop()) };
    const found = await measureRate(bench, options, typical, (step) => console.log(stepLine(step, objective.percentile)));
    const file = join(root, 'config/capacity', `${name}.json`);
    const content = {
      version: 1,
      model: `stand-in of the local account at the pace of ${name}, within about 25 %`,
      instance: endpoint.instance,
      image: imageOf(image).label,
      requestsPerSecondPerInstance: found.rate,
      priorityWindowSeconds,
      latencyPercentile: objective.percentile,
      latencyBelowMs: objective.belowMs,
      measuredOn: new Date().toISOString().slice(0, 10),
      tool: `cdk-ai-workloads measure:chat 0.1.0: sizes of ten minutes of the Azure LLM trace 2023, Poisson arrivals, seed ${SEED}`,
    };
    writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`);
    console.log(`${file}: ${MeasuredCapacity.fromFile(file).requestsPerSecondPerInstance} requests a second`);
    console.log('1 passed, 0 failed');
  } finally {
    container.stdin.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How late the event loop was, in the time of the stand-in. */
const scaled = (late: (percentile: number) => number) => (percentile: number) => late(percentile) * FACTOR;

main().catch((error: Error) => {
  console.error(error.message);
  console.log('0 passed, 1 failed');
  process.exitCode = 1;
});
