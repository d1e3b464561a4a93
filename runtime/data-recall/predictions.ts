import { DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { ReleaseState, ReleaseTimes, servedAt } from '../../lib/constructs/delivery/contract';
import { BOOKS } from '../../lib/constructs/integration/contract';
import type { AffectedModel, Models } from './models';

/** A prediction that an affected version has made, or may have made. */
export interface Touched {
  model: string;
  id: string;
  /** 1 when another version may have made it: the time does not tell. */
  uncertain: 0 | 1;
}

/** The books of predictions. */
export class Predictions {
  constructor(
    private readonly client: DynamoDBDocumentClient,
    private readonly table: string,
    /** Whether times of predictions are those of a replay: then every version that was ever released may have made each. */
    private readonly replayed: boolean,
  ) {}

  /**
   * Those of affected versions, page by page behind `after`, each page with where it ends. While a release is under way, and where recorded data is
   * replayed, the time of a prediction does not tell which version it was.
   */
  public async *of(affected: readonly AffectedModel[], models: Models, after?: string): AsyncGenerator<{ touched: Touched[]; at: string }> {
    const releases = await releasedOf(affected, models);
    if (releases.size === 0) {
      return;
    }
    let start = after;
    do {
      const { Items = [], LastEvaluatedKey } = await this.client.send(
        new ScanCommand({ TableName: this.table, ExclusiveStartKey: start === undefined ? undefined : { [BOOKS.key]: start } }),
      );
      start = LastEvaluatedKey?.[BOOKS.key] as string | undefined;
      const touched = (Items as { model: string; id: string; madeAt: string }[]).flatMap((made) => this.judged(made, releases));
      yield { touched, at: start ?? '' };
    } while (start !== undefined);
  }

  private judged({ model, id, madeAt }: { model: string; id: string; madeAt: string }, releases: Releases): Touched[] {
    const known = releases.get(model);
    if (known === undefined) {
      return [];
    }
    const served = this.replayed ? known.ever : servedAt(known.rows, madeAt);
    const isAffected = (arn: string) => known.affected.has(arn);
    return served.some(isAffected) ? [{ model, id, uncertain: served.every(isAffected) ? 0 : 1 }] : [];
  }
}

type Releases = Map<string, { rows: ReleaseTimes[]; ever: string[]; affected: Set<string> }>;

/** Models of which an affected version was to be released at any time. */
async function releasedOf(affected: readonly AffectedModel[], models: Models): Promise<Releases> {
  const releases: Releases = new Map();
  for (const { model, versions } of affected) {
    const rows = await models.releases(model);
    const arns = new Set(versions.map(({ arn }) => arn));
    const ever = [...new Set(rows.flatMap(({ state, to }) => (state === ReleaseState.RELEASED ? [to!] : [])))];
    if (rows.some(({ to }) => arns.has(to ?? ''))) {
      releases.set(model, { rows, ever, affected: arns });
    }
  }
  return releases;
}
