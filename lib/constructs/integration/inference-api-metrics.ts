import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { API_METRIC } from './contract';
import { apiMetric } from './prediction-books-alarms';

/** Metrics of an `InferenceApi`, in namespace `AiWorkloads` with dimension `Api`; period 5 minutes. */
export class InferenceApiMetrics {
  /** Metrics of the API of this name. */
  constructor(private readonly apiName: string) {}

  /** Answers given and recorded. Count, sum. */
  public predictions(): Metric {
    return apiMetric(this.apiName, API_METRIC.predictions, Stats.SUM);
  }

  /** Requests answered 503 because the model gave no answer. Count, sum. */
  public modelUnavailable(): Metric {
    return apiMetric(this.apiName, API_METRIC.modelUnavailable, Stats.SUM);
  }

  /** Requests answered 500 through a fault of the API's own. Count, sum. */
  public apiFaults(): Metric {
    return apiMetric(this.apiName, API_METRIC.apiFault, Stats.SUM);
  }

  /** Time that the model took to answer. Milliseconds, 99th percentile. */
  public modelTimeInMilliseconds(): Metric {
    return apiMetric(this.apiName, API_METRIC.modelTime, Stats.p(99));
  }

  /** Features that were null because the store failed or did not answer in time. Count, sum. */
  public featuresUnavailable(): Metric {
    return apiMetric(this.apiName, API_METRIC.featureUnavailable, Stats.SUM);
  }

  /** Features that were null for whatever reason, one per entity of a request. Count, sum. */
  public featuresNull(): Metric {
    return apiMetric(this.apiName, API_METRIC.featureNull, Stats.SUM);
  }

  /** Time that looking up the features of a request took. Milliseconds, 99th percentile. */
  public featureTimeInMilliseconds(): Metric {
    return apiMetric(this.apiName, API_METRIC.featureTime, Stats.p(99));
  }

  /** Predictions that got their ground truth. Count, sum. */
  public labelled(): Metric {
    return apiMetric(this.apiName, API_METRIC.labelled, Stats.SUM);
  }

  /** Predictions that ended without ground truth. Count, sum. */
  public expired(): Metric {
    return apiMetric(this.apiName, API_METRIC.expired, Stats.SUM);
  }

  /** Predictions that wait for ground truth. Count, maximum. */
  public open(): Metric {
    return apiMetric(this.apiName, API_METRIC.open, Stats.MAXIMUM);
  }

  /** Feedback refused because other ground truth was there before. Count, sum. */
  public feedbackConflicts(): Metric {
    return apiMetric(this.apiName, API_METRIC.feedbackConflict, Stats.SUM);
  }

  /** Feedback refused because it came after the label window. Count, sum. */
  public feedbackLate(): Metric {
    return apiMetric(this.apiName, API_METRIC.feedbackLate, Stats.SUM);
  }

  /** Labelled share of the predictions whose label window ended in the last 7 days. Percent, average. */
  public labelCoverage(): Metric {
    return apiMetric(this.apiName, API_METRIC.labelCoverage, Stats.AVERAGE);
  }
}
