import { Check, deviation } from './check';
import { queueingChecks } from './queueing';
import { tracking } from '../policies/tracking';
import { outAfterStep, PHASES, reactionChecks } from './reaction';
import { conversations, speedChecks } from './speed';

const A100 = 'llama-3-8b@ml.p4de.24xlarge';
const RATES = [2, 4, 6, 6.45, 7, 7.5, 8, 8.5, 9, 9.5];

/** Rows of a table, with figures of three digits. */
export const rows = (checks: readonly Check[]): string[] =>
  checks.map((check) => {
    const [expected, simulated] = [check.expected, check.simulated].map((value) => `${Number(value.toPrecision(3))} ${check.unit}`.trim());
    const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
    return `| ${check.name} | ${expected} | ${simulated} | ${percent(deviation(check))} | ${percent(check.tolerance)} | ${check.source} |`;
  });

/** The tables of docs/capacity-validation.md: what the simulator must agree with. */
export const CHECKS: readonly { readonly title: string; checks(): Check[] }[] = [
  { title: 'Queueing theory', checks: queueingChecks },
  { title: 'Speed of a server', checks: speedChecks },
  { title: 'Reaction of scaling', checks: reactionChecks },
];

/** Time to the first token by the rate of conversations on one A100 with 80 GB. */
export const saturationPoints = () =>
  RATES.flatMap((rate) => {
    const { firstToken } = conversations(A100, [[0, rate]], 1800).outcome;
    return [50, 99].map((percentile) => ({ rate, seconds: firstToken.percentile(percentile), percentile: `p${percentile}` }));
  });

/** Time from a step of the load to the request for more, by the second of the minute in which it comes. */
export const reactionPoints = () =>
  PHASES.flatMap((phase) => [
    { phase, name: 'metric of 60 s', seconds: outAfterStep(tracking('SageMakerVariantInvocationsPerInstance', 60), 0.5, 1.5, phase) },
    {
      phase,
      name: 'metric of 10 s',
      seconds: outAfterStep(tracking('SageMakerVariantConcurrentRequestsPerModelHighResolution', 4), 0.5, 8, phase),
    },
  ]);

/** From the shortest to the longest of these times. */
function span(name: string): string {
  const seconds = reactionPoints().flatMap((point) => (point.name === name ? [point.seconds] : []));
  return `${Math.min(...seconds)} to ${Math.max(...seconds)}`;
}

/** The page. */
export function page(): string {
  const head = '| figure | must be | simulated | apart | allowed | source |\n|---|---|---|---|---|---|';
  const tables = CHECKS.map(({ title, checks }) => `## ${title}\n\n${head}\n${rows(checks()).join('\n')}\n`);
  return `# What the capacity simulator was held to

Written by \`npm run capacity:validate\`; \`npm test\` checks the same figures. Nothing here was run on AWS. A range of a source is its middle, with
half its width allowed.

${tables.join('\n')}
![time to the first token by rate](capacity-saturation.svg)

One A100 with 80 GB and Llama-3-8B, conversations of Azure's trace at Poisson times. vidur's README runs it at 6.45 requests a second, where the simulated
server is stable; it is no longer from about 8.7 on. Why vidur's authors stopped at 6.45 is not known, so this is no measure of the error; costs of
scheduling and of attention within a prompt, which are not modelled, would lower the limit.

![time to a request for more capacity](capacity-reaction.svg)

A load that comes at any second of a minute: with a metric of a minute more is asked for after ${span('metric of 60 s')} s, depending on whether the minute
that it comes in is high already; with one of ten seconds after ${span('metric of 10 s')} s.

## What does not agree, or was not compared

- A public sample saw capacity asked for 102 s after the first request at zero; here it is 30 to 90 s.
- The same sample saw the last copy go after 11 minutes, not 15: here it goes after 1 to 15 minutes, by how long the load had been low before it ended.
- From zero to an answer in 564 s, of another sample, cannot be checked: its boot time is not published.
- The speeds of A10G, L4 and L40S are estimates; those of the H100 are of another model, scaled by its size. Neither was compared with a measurement.
`;
}
