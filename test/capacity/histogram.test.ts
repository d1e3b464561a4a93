import fc from 'fast-check';
import { Histogram, HISTOGRAM_PRECISION } from '../../capacity/simulator/histogram';
import { runs } from '../support/property-runs';

test('a percentile is that of the sorted values, within the precision of a bucket', () => {
  const values = fc.array(fc.double({ min: 1e-3, max: 1e4, noNaN: true }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(values, fc.constantFrom(1, 50, 95, 99, 99.9, 100), (all, percent) => {
      const histogram = new Histogram();
      all.forEach((value) => histogram.add(value));
      const sorted = [...all].sort((a, b) => a - b);
      const exact = sorted[Math.max(1, Math.ceil((all.length * percent) / 100)) - 1];
      expect(Math.abs(histogram.percentile(percent) / exact - 1)).toBeLessThan(HISTOGRAM_PRECISION);
    }),
    { numRuns: runs(200) },
  );
});

test('values beyond its range fall into the outermost buckets, and without values there is no percentile', () => {
  const histogram = new Histogram();
  expect([histogram.percentile(50), histogram.mean]).toEqual([NaN, NaN]);
  histogram.add(0);
  histogram.add(1e9);
  expect(histogram.percentile(50)).toBeLessThanOrEqual(1e-4);
  expect(histogram.percentile(100)).toBeGreaterThan(9e5);
});
