import type { ReleaseState, RunState } from '../../lib/constructs/delivery/contract';
import type { CoverageClass } from '../coverage';

/** Everything that a run prints as a fact. It is kept as report.json, which `npm run verify:start` checks against the account itself. */
export interface Figures {
  months: [number, number];
  seed: number;
  clockFactor: number;
  steps: { title: string; seconds: number }[];
  coverage?: { class: CoverageClass; types: number; resources: number }[];
  readBack?: number;
  books?: { files: number; read: number; valid: number; quarantined: number; byRule: Record<string, number> };
  planted?: { fault: string; file: string; record: number }[];
  dataset?: { id: string; rows: number; files: number; manifest: string };
  /** First and last moment of the replay. */
  workloadClock?: [string, string];
  /** Predictions of the outage and of the slow release, which are none of the replay. */
  otherPredictions?: number;
  /** Departures that were put on the stream, and the objects that they were landed in. */
  departures?: { records: number; objects: number };
  /** What the predictions of the replay were told of the last hour; absent for a model that is told nothing. */
  told?: ToldFigures;
  predictions?: { made: number; labelled: number; expired: number; open: number };
  events?: Record<string, number>;
  objective?: ObjectiveFigures;
  outage?: {
    alarm: string;
    team: string;
    inbox: string;
    /** Process of the container before and after. */
    pid: number;
    restartedAs: number;
    /** Requests through the API that got no prediction. */
    failed: number;
    /** Alarm messages in the inbox, in their order. */
    notices: { state: string; at: string }[];
    seconds: { untilNotice: number; untilRestart: number; untilOk: number };
  };
  wrongSignature?: number;
  /** What the API answered before there was a model. */
  dayZeroStatus?: number;
  /** Months that arrived after the first ones. */
  arrivals?: { month: number; files: number; dataset: string }[];
  /** What a deployment of everything changed after a release: nothing. */
  redeployment?: { seconds: number; changed: string[] };
  /** Training runs in their order. */
  training?: TrainingFigures[];
  /** Releases in their order. */
  releases?: ReleaseFigures[];
}

/** Features of the predictions beside those that the version that made them was trained on. */
export interface ToldFigures {
  /** Predictions that were told a value. */
  values: number;
  /** There was nothing to make one of. */
  withoutRecords: number;
  /** The store did not answer in time. */
  unavailable: number;
  /** Those of the others whose flight is in the training data, and how many of them have the same value there, to within 1e-9. */
  compared: number;
  equal: number;
  largestDifference: number;
}

/** How a training run ended. */
export interface TrainingFigures {
  datasetId: string;
  state: RunState;
  packageArn?: string;
  /** Why the gate refused the candidate. */
  reasons: string[];
  /** What the gate measured. */
  figures: Record<string, number>;
  seconds: number;
}

/** How a release ended. */
export interface ReleaseFigures {
  entry: string;
  state: ReleaseState;
  from: string;
  to: string;
  reason?: string;
  /** From the approval, or the command that released it again, to the end. */
  seconds: number;
  /** What the endpoint served then. */
  live?: string;
  /** Who was told that it failed, and how long after the approval: when the way back began. */
  told?: { alarm: string; team: string; inbox: string; seconds: number };
}

/** What the objective's job answered. */
export interface ObjectiveFigures {
  /** Labelled predictions with a decision in the window. */
  labels: number;
  labelsInAll: number;
  minimumLabels: number;
  evaluated: boolean;
  /** Percent by metric name. */
  values: Record<string, number>;
  /** First and last day of the window, UTC. */
  from: string;
  to: string;
}
