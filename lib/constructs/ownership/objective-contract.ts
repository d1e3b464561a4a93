/** Names that the objective's construct, handler and tests share. This file imports nothing. */
export const OBJECTIVE = {
  /** Dimension of the objective's metrics; its value is the workload's name. */
  dimension: 'Workload',
  /** Number of labelled predictions with a decision in the window. */
  labelsMetric: 'ObjectiveLabels',
  env: { spec: 'OBJECTIVE_SPEC', tallyTable: 'TALLY_TABLE' },
} as const;

/** What a metric of an objective counts, over the labelled predictions that carry a decision. */
export enum ObjectiveMeasure {
  /** Positive outcomes that were predicted in time / positive outcomes. Percent. */
  RECALL = 'recall',
  /** Positive predictions / predictions. Percent. */
  POSITIVE_RATE = 'positive-rate',
}

/** The environment variable `OBJECTIVE_SPEC`, as JSON. */
export interface ObjectiveSpec {
  workload: string;
  /** Length of the window, days. */
  days: number;
  minimumLabels: number;
  /** Only predictions of this model; absent: all of the API. */
  model?: string;
  metrics: { name: string; measure: string }[];
}
