import { Document } from 'yaml';
import { LanguageModel } from '../profiles/profile';
import { Objective } from '../simulator/outcome';
import { LengthTable } from '../traces/lengths';
import { MeasuredFile } from './measured-file';
import { quantile } from './month';
import { FleetPlan } from './plans';

/** The longest that a real-time endpoint may take, milliseconds (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html). */
const MOST_MS = 60_000;
/** Bytes of a parameter, by the config's names of precisions. */
export const PRECISIONS: Readonly<Record<string, number>> = { fp32: 4, bf16: 2, fp8: 1, int4: 0.5 };

/** What the plan was made for. */
export interface Planned {
  readonly name: string;
  readonly plan: FleetPlan;
  readonly model: LanguageModel | MeasuredFile;
  readonly objective: Objective;
  readonly lengths: LengthTable;
  /** Requests state their priority by windows of so many seconds. */
  readonly priorityWindowSeconds?: number;
  /** Prompts are read in chunks of so many tokens at most. */
  readonly chunkTokens?: number;
}

/**
 * The part of the blueprint's config (config/*.yaml, `endpoints`) that a plan decides; `model` and `image` are left to its reader. Where nothing was
 * measured it names the file that `npm run measure` writes.
 */
export function configBlock({ name, plan, model, objective, lengths, priorityWindowSeconds, chunkTokens }: Planned): string {
  const { type, min, max, requestsPerSecond, target } = plan;
  const measured = 'path' in model;
  const ms = measured ? model.latencyBelowMs : promisedMs(objective, lengths);
  const slo = { latencyPercentile: measured ? model.latencyPercentile : 99, latencyBelowMs: Math.min(MOST_MS, ms) };
  const scaling = { min, max, capacity: measured ? model.path : `capacity/${name}.json` };
  const document = new Document({
    endpoints: { [name]: { instance: type, slo, scaling, ...(measured ? {} : { modelSize: sizeOf(model) }) } },
  });
  const comments = [
    `each of many instances is planned to serve ${target} requests a second`,
    ...(measured
      ? []
      : [
          `if 'npm run measure' finds the ${requestsPerSecond.toPrecision(3)} requests a second of the simulator; it writes ${scaling.capacity}`,
        ]),
    ...(priorityWindowSeconds === undefined
      ? []
      : [
          `requests state their priority by windows of ${priorityWindowSeconds} s, and the container serves by it (docs/capacity-file.md)${measured ? '' : `: measure with --priority-window ${priorityWindowSeconds}`}`,
        ]),
    ...(chunkTokens === undefined
      ? []
      : [`prompts are read in chunks of ${chunkTokens} tokens at most: tell the server of the container so`]),
    ...(ms > MOST_MS
      ? [
          `99 % of answers are promised within ${Math.ceil(ms / 1000)} s, more than the ${MOST_MS / 1000} s of a real-time endpoint: stream them, or shorten them`,
        ]
      : []),
  ];
  document.commentBefore = comments.map((line) => ` ${line}`).join('\n');
  return document.toString({ lineWidth: 0 });
}

/** Within what 99 % of answers are promised, by their lengths, milliseconds. */
function promisedMs({ firstTokenSeconds = 0, tokenSeconds = 0 }: Objective, { outputs }: LengthTable): number {
  return Math.max(1, Math.ceil((firstTokenSeconds + tokenSeconds * (quantile(outputs, 0.99) - 1)) * 1000));
}

function sizeOf({ parametersBillions, bytesPerParameter }: LanguageModel) {
  const precision = Object.keys(PRECISIONS).find((name) => PRECISIONS[name] === bytesPerParameter);
  return { parameters: Math.round(parametersBillions * 1e9), precision };
}
