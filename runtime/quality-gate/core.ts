import type { EvaluationReport, GateRules, GateVerdict } from '../../lib/constructs/delivery/contract';
import { difference, lowerBound } from './bootstrap';
import { averagePrecision, brier, Evaluated, mean, rank, rocAuc } from './scores';

/** What the gate judges by beside the rules. */
export interface GateContext {
  /** The candidate is the how many-th on this dataset, from 1. */
  readonly candidateNumber: number;
  /** Whether it was trained on another dataset, published later, than the current version. Without meaning when there is none. */
  readonly newerData: boolean;
}

/** Resamples of the blocks. */
export const RESAMPLES = 1000;
/** Requests that the latency must be measured with: a 99th percentile of fewer is a guess. */
const MINIMUM_REQUESTS = 500;

/**
 * Error probability that is left for the k-th candidate of one dataset. All of them together have `alpha`: trying again for long enough
 * proves nothing.
 */
export function levelFor(alpha: number, candidateNumber: number): number {
  return alpha / (candidateNumber * (candidateNumber + 1));
}

/** Judges a candidate. The same evaluation always gives the same verdict. */
export function judge(data: Evaluated, report: EvaluationReport, rules: GateRules, context: GateContext): GateVerdict {
  const unusable = [...tooLittle(data, rules), ...incomplete(data, report)];
  if (unusable.length > 0) {
    return { passed: false, reasons: [...unsuppliable(report, rules), ...unusable], figures: { rows: data.rows, blocks: data.blockCount } };
  }
  const { figures, reasons: notBetter } = compare(data, rules, context);
  const reasons = [
    ...unsuppliable(report, rules),
    ...notBetter,
    ...uncalibrated(figures, rules),
    ...suspicious(figures, rules),
    ...tooSlow(report, rules),
  ];
  return { passed: reasons.length === 0, reasons, figures: { ...figures, latencyP99Ms: report.latencyMs.p99 } };
}

function tooLittle({ rows, blockCount, labels }: Evaluated, { minimumRows, minimumBlocks }: GateRules): string[] {
  const positives = labels.reduce((sum, label) => sum + label, 0);
  return [
    ...(rows < minimumRows ? [`${rows} labelled rows, at least ${minimumRows} are needed: wait for a longer period`] : []),
    ...(blockCount < minimumBlocks ? [`${blockCount} blocks of rows, at least ${minimumBlocks} are needed: wait for a longer period`] : []),
    ...(rows > 0 && (positives === 0 || positives === rows)
      ? [`all ${rows} labels are ${positives === 0 ? 0 : 1}: a model cannot be judged by one kind of outcome`]
      : []),
  ];
}

function incomplete({ rows }: Evaluated, { labelled }: EvaluationReport): string[] {
  return rows === labelled ? [] : [`predictions.csv.gz has ${rows} rows, but evaluation.json says ${labelled}: evaluate again`];
}

interface Comparison {
  figures: Figures;
  reasons: string[];
}

interface Figures {
  [name: string]: number;
  auc: number;
  brier: number;
  baselineBrier: number;
  meanScore: number;
  meanLabel: number;
}

function compare(data: Evaluated, rules: GateRules, context: GateContext): Comparison {
  const { labels, blocks, blockCount, candidate, baseline } = data;
  const once = new Uint8Array(blockCount).fill(1);
  const ranking = rank(candidate, labels, blocks);
  const precisionOf = (scores: Float64Array) => averagePrecision(rank(scores, labels, blocks), once);
  const compared = data.current === undefined ? beatsBaseline(data, rules, context) : beatsCurrent(data, data.current, rules, context);
  return {
    reasons: compared.reasons,
    figures: {
      ...compared.figures,
      rows: data.rows,
      blocks: blockCount,
      averagePrecision: averagePrecision(ranking, once),
      baselineAveragePrecision: precisionOf(baseline),
      ...(data.current === undefined ? {} : { currentAveragePrecision: precisionOf(data.current) }),
      auc: rocAuc(ranking, once),
      brier: brier(candidate, labels),
      baselineBrier: brier(baseline, labels),
      meanScore: mean(candidate),
      meanLabel: mean(labels),
      candidateNumber: context.candidateNumber,
    },
  };
}

type Compared = { figures: Record<string, number>; reasons: string[] };

function beatsBaseline(data: Evaluated, { alpha, margin }: GateRules, { candidateNumber }: GateContext): Compared {
  const level = levelFor(alpha, candidateNumber);
  const found = difference(data, data.candidate, data.baseline, RESAMPLES);
  const bound = lowerBound(found, level);
  return {
    figures: { difference: found.estimate, lowerBound: bound, level },
    reasons:
      bound > margin
        ? []
        : [
            `average precision minus the baseline's is above ${shown(bound)} with ${confidence(level)} confidence, it must be above ${margin}`,
          ],
  };
}

function beatsCurrent(data: Evaluated, current: Float64Array, rules: GateRules, { candidateNumber, newerData }: GateContext): Compared {
  const { alpha, tolerance } = rules;
  const found = difference(data, data.candidate, current, RESAMPLES);
  const bound = lowerBound(found, alpha);
  const level = levelFor(alpha, candidateNumber);
  const strictBound = lowerBound(found, level);
  const reasons: string[] = [];
  if (!(bound > -tolerance)) {
    reasons.push(
      `average precision minus the current version's is above ${shown(bound)} with ${confidence(alpha)} confidence, it must be above ${-tolerance}`,
    );
  }
  if (!newerData && !(strictBound > 0)) {
    reasons.push(
      `the data is not newer than the current version's, so candidate ${candidateNumber} on it must be better with ${confidence(level)} confidence: the difference in average precision is above ${shown(strictBound)}, it must be above 0`,
    );
  }
  return { figures: { difference: found.estimate, lowerBound: bound, level, strictLowerBound: strictBound }, reasons };
}

function uncalibrated(figures: Figures, { calibrationGap }: GateRules): string[] {
  const gap = Math.abs(figures.meanScore - figures.meanLabel);
  return [
    ...(figures.brier <= figures.baselineBrier
      ? []
      : [`Brier score ${shown(figures.brier)} is worse than the baseline's ${shown(figures.baselineBrier)}`]),
    ...(gap <= calibrationGap
      ? []
      : [
          `mean score ${shown(figures.meanScore)} lies ${shown(gap)} from the share of positive labels ${shown(figures.meanLabel)}, at most ${calibrationGap} is allowed`,
        ]),
  ];
}

function suspicious({ auc }: Figures, { lowestAuc, highestAuc }: GateRules): string[] {
  return auc >= lowestAuc && auc <= highestAuc
    ? []
    : [
        `suspected leak: the area under the ROC curve is ${shown(auc)}, plausible is ${lowestAuc} to ${highestAuc}: look for a column that knows the outcome, or for labels that were mixed up`,
      ];
}

function tooSlow({ latencyMs: { p99, count } }: EvaluationReport, { latencyMs }: GateRules): string[] {
  if (latencyMs === undefined) {
    return [];
  }
  return [
    ...(p99 <= latencyMs ? [] : [`99 % of requests were answered within ${shown(p99)} ms, the SLO allows ${latencyMs} ms`]),
    ...(count >= MINIMUM_REQUESTS ? [] : [`latency was measured with ${count} requests, at least ${MINIMUM_REQUESTS} are needed`]),
  ];
}

/** Inputs that the candidate asks for and no caller can give, or that it does not get along with, a sentence each. */
export function unsuppliable({ signatureProblems, fields }: EvaluationReport, { fields: taken }: GateRules): string[] {
  const unknown = taken === undefined ? [] : fields.filter((field) => !taken.includes(field));
  return [
    ...signatureProblems.map((problem) => `serving cannot supply what the model asks for: ${problem}`),
    ...(unknown.length === 0
      ? []
      : [`columns that serving cannot supply: ${unknown.join(', ')}; the endpoint's signature takes ${taken!.join(', ')}`]),
  ];
}

function shown(value: number): string {
  return Number(value.toPrecision(4)).toString();
}

function confidence(level: number): string {
  return `${Number((100 * (1 - level)).toPrecision(6))} %`;
}
