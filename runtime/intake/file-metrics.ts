import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { DATA_METRIC } from '../../lib/constructs/data/contract';
import type { FileRow } from './file-row';

/** Publishes what became of a file. */
export function publishFile(metrics: Metrics, row: FileRow): void {
  if (row.reason !== undefined) {
    metrics.addMetric(DATA_METRIC.filesRejected, MetricUnit.Count, 1);
    return;
  }
  const { read, valid, quarantined } = row.counts ?? { read: 0, valid: 0, quarantined: 0 };
  metrics.addMetric(DATA_METRIC.filesAccounted, MetricUnit.Count, 1);
  metrics.addMetric(DATA_METRIC.rowsRead, MetricUnit.Count, read);
  metrics.addMetric(DATA_METRIC.rowsValid, MetricUnit.Count, valid);
  metrics.addMetric(DATA_METRIC.rowsQuarantined, MetricUnit.Count, quarantined);
  // A batch of a stream may be one record: what its share says is no news.
  if (row.batch === undefined) {
    metrics.addMetric(DATA_METRIC.quarantinePercent, MetricUnit.Percent, read === 0 ? 0 : (100 * quarantined) / read);
  }
}
