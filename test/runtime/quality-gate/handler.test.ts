import { gzipSync } from 'node:zlib';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { EvaluationReport, GateRules, GateVerdict } from '../../../lib/constructs/delivery/contract';
import { GateRequest, makeHandler } from '../../../runtime/quality-gate/handler';
import { FakeS3 } from '../../support/fake-s3';
import { reportOf, RULES, simulate } from './evaluations';

const FOLDER = 'delay/runs/r/1';
const VERSION = { packageArn: 'arn:1', modelDataUrl: 's3://a/b', trainedOn: 'd0', newerData: true };

/** An evaluation in a bucket, judged. */
async function judgeFiles(given: {
  lines: string[];
  datasetId?: string;
  version?: typeof VERSION;
  report?: Partial<EvaluationReport>;
  rules?: Partial<GateRules>;
}) {
  const { lines, datasetId = 'd1', version, report, rules } = given;
  const s3 = new FakeS3();
  const put = (Key: string, Body: string | Buffer) =>
    s3.client.send(new PutObjectCommand({ Bucket: 'artifacts', Key: `${FOLDER}/${Key}`, Body }));
  await put('evaluation/predictions.csv.gz', gzipSync(['block,label,baseline,candidate,current', ...lines, ''].join('\n')));
  await put('evaluation/evaluation.json', JSON.stringify(reportOf(lines.length, { datasetId, ...report })));
  const run = makeHandler({ rules: { ...RULES, ...rules }, s3: s3.client, logger: { info: () => undefined } });
  const uris = { evaluation: `s3://artifacts/${FOLDER}/evaluation`, gate: `s3://artifacts/${FOLDER}/gate` };
  const verdict = await run({ runId: 'r', datasetId: 'd1', candidateNumber: 1, uris, live: { version } } as unknown as GateRequest);
  const kept = s3.versions.find(({ key }) => key === `${FOLDER}/gate/gate.json`)!;
  return { verdict, kept: JSON.parse(kept.bytes.toString()) as GateVerdict };
}

const month = simulate(1, { noise: { baseline: 2, candidate: 0.2, current: 1 } });
const linesWith = (current: boolean) =>
  Array.from(month.labels, (label, i) =>
    [month.blocks[i], label, month.baseline[i], month.candidate[i], current ? month.current![i] : ''].join(),
  );

describe('the gate as a step [R2]', () => {
  test('judges the files of an evaluation and keeps the verdict beside them', async () => {
    const { verdict, kept } = await judgeFiles({ lines: linesWith(false) });
    expect(verdict).toMatchObject({ passed: true, reasons: [], figures: { rows: 1200 } });
    expect(kept).toEqual(verdict);
  });

  test('compares with the version that serves', async () => {
    const { verdict } = await judgeFiles({ lines: linesWith(true), version: VERSION });
    expect(verdict.figures).toHaveProperty('currentAveragePrecision');
  });

  test('refuses scores that are none, and names the row', async () => {
    const { verdict, kept } = await judgeFiles({ lines: ['d,1,0.5,0.5,', 'd,1,0.5,nan,'] });
    expect(verdict).toEqual({
      passed: false,
      reasons: ["predictions.csv.gz, row 2: score of candidate must be a number from 0 to 1, got 'nan'"],
      figures: {},
    });
    expect(kept).toEqual(verdict);
  });

  test('a candidate that refused every request has no scores: what it asked for is said first', async () => {
    const { verdict, kept } = await judgeFiles({
      lines: ['d,1,0.5,,'],
      report: { signatureProblems: ["KeyError: 'arr_delay'"], fields: ['minute', 'arr_delay'] },
      rules: { fields: ['minute'] },
    });
    expect(verdict.reasons).toEqual([
      "serving cannot supply what the model asks for: KeyError: 'arr_delay'",
      "columns that serving cannot supply: arr_delay; the endpoint's signature takes minute",
      "predictions.csv.gz, row 1: score of candidate must be a number from 0 to 1, got ''",
    ]);
    expect(kept).toEqual(verdict);
  });

  test('refuses inputs that the endpoint does not take, whatever the scores; fewer than it takes are fine', async () => {
    const lines = linesWith(false);
    const judgeFields = async (fields: string[], taken?: string[]) =>
      (await judgeFiles({ lines, report: { fields }, rules: { fields: taken } })).verdict;
    expect(await judgeFields(['minute', 'wind'], ['minute'])).toMatchObject({
      passed: false,
      reasons: ["columns that serving cannot supply: wind; the endpoint's signature takes minute"],
    });
    expect((await judgeFields(['minute'], ['minute', 'carrier'])).passed).toBe(true);
    expect((await judgeFields(['minute', 'wind'])).passed).toBe(true);
  });

  test('says what serving cannot supply also when there are too few rows', async () => {
    const { verdict } = await judgeFiles({ lines: ['d,1,0.5,0.5,'], report: { signatureProblems: ['KeyError'] } });
    expect(verdict.reasons[0]).toBe('serving cannot supply what the model asks for: KeyError');
    expect(verdict.reasons.length).toBeGreaterThan(1);
  });

  test('fails on the evaluation of another dataset', async () => {
    await expect(judgeFiles({ lines: [], datasetId: 'd9' })).rejects.toThrow(
      "OtherEvaluation: s3://artifacts/delay/runs/r/1/evaluation is of the dataset 'd9', not of 'd1'",
    );
  });

  test('fails on an evaluation without the version that serves, and on one with scores of none', async () => {
    await expect(judgeFiles({ lines: linesWith(false), version: VERSION })).rejects.toThrow('has no scores of a current version');
    await expect(judgeFiles({ lines: linesWith(true) })).rejects.toThrow('has scores of a current version');
  });
});
