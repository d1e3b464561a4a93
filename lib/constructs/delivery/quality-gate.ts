import { outsideRange, notWhole } from '../shared/checks';
import { GateRules } from './contract';

/** What a candidate must fulfil beyond being better. */
export interface QualityGateProps {
  /**
   * Area under the ROC curve below which a candidate is refused: it knows nothing, or labels were mixed up. 0 to 1, below `highestAuc`.
   */
  readonly lowestAuc: number;
  /** Area under the ROC curve above which a candidate is refused as a suspected leak: a column knows the outcome. 0 to 1. */
  readonly highestAuc: number;
  /**
   * Chance of registering, over all candidates of one dataset, one that is no better. Above 0, up to 0.2.
   *
   * @default 0.05
   */
  readonly alpha?: number;
  /**
   * What the first version must be better by than the baseline, in average precision. 0 to 1.
   *
   * @default 0
   */
  readonly margin?: number;
  /**
   * What a version that was trained on newer data may be worse by than the current one, in average precision. 0 to 0.1.
   *
   * @default 0.005
   */
  readonly tolerance?: number;
  /**
   * Farthest that the mean score may lie from the share of positive labels. Above 0, up to 1.
   *
   * @default 0.05
   */
  readonly calibrationGap?: number;
  /**
   * Labelled rows that an evaluation needs at least: a whole number from 100.
   *
   * @default 1000
   */
  readonly minimumRows?: number;
  /**
   * Blocks, such as days, that the rows must come from at least: a whole number from 5.
   *
   * @default 10
   */
  readonly minimumBlocks?: number;
}

/**
 * Decides which candidates are registered. The first must beat the baseline with confidence, a later one must not be worse than the current
 * version on a period that neither saw; on data that is not newer it must be better, with confidence that grows with each try. Scores
 * must be probabilities.
 */
export class QualityGate {
  /** A gate on average precision: right where few rows are positive and the riskiest of them are acted on. */
  public static averagePrecision(props: QualityGateProps): QualityGate {
    return new QualityGate({
      alpha: props.alpha ?? 0.05,
      margin: props.margin ?? 0,
      tolerance: props.tolerance ?? 0.005,
      calibrationGap: props.calibrationGap ?? 0.05,
      lowestAuc: props.lowestAuc,
      highestAuc: props.highestAuc,
      minimumRows: props.minimumRows ?? 1000,
      minimumBlocks: props.minimumBlocks ?? 10,
    });
  }

  private constructor(private readonly rules: GateRules) {}

  /** The rules as the handler reads them. @internal */
  public _rules(latencyMs: number | undefined, fields: string[] | undefined): GateRules {
    return { ...this.rules, ...(latencyMs === undefined ? {} : { latencyMs }), ...(fields === undefined ? {} : { fields }) };
  }

  /** @internal */
  public _problems(): string[] {
    const { alpha, margin, tolerance, calibrationGap, lowestAuc, highestAuc, minimumRows, minimumBlocks } = this.rules;
    return [
      ...outsideRange('gate.alpha', alpha, 1e-6, 0.2),
      ...outsideRange('gate.margin', margin, 0, 1),
      ...outsideRange('gate.tolerance', tolerance, 0, 0.1),
      ...outsideRange('gate.calibrationGap', calibrationGap, 1e-6, 1),
      ...outsideRange('gate.lowestAuc', lowestAuc, 0, 1),
      ...outsideRange('gate.highestAuc', highestAuc, 0, 1),
      ...(lowestAuc < highestAuc ? [] : [`'gate.lowestAuc' must be below 'gate.highestAuc', got ${lowestAuc} and ${highestAuc}`]),
      ...outsideRange('gate.minimumRows', minimumRows, 100, 5_000_000),
      ...notWhole('gate.minimumRows', minimumRows),
      ...outsideRange('gate.minimumBlocks', minimumBlocks, 5, 100_000),
      ...notWhole('gate.minimumBlocks', minimumBlocks),
    ];
  }
}
