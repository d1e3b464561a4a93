// Queries of a local account through the API of Amazon Athena, as its own caller or as one who took on a role.
import { setTimeout as sleep } from 'node:timers/promises';
import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import { CREDENTIALS, REGION } from '../../local/start/clients';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

async function call(
  url: string,
  service: string,
  credentials: Credentials,
  headers: Record<string, string>,
  body: string,
): Promise<string> {
  const signer = new SignatureV4({ credentials, region: REGION, service, sha256: Sha256 });
  const { hostname, port, host, protocol } = new URL(url);
  const request = { method: 'POST', protocol, hostname, port: Number(port), path: '/', headers: { host, ...headers }, body };
  const answer = await fetch(`${url}/`, { method: 'POST', headers: (await signer.sign(request)).headers, body });
  const text = await answer.text();
  if (!answer.ok) {
    throw new Error(text);
  }
  return text;
}

/** Credentials of a role of the account. */
export async function assumeRole(url: string, roleArn: string): Promise<Credentials> {
  const body = new URLSearchParams({ Action: 'AssumeRole', Version: '2011-06-15', RoleArn: roleArn, RoleSessionName: 'test' }).toString();
  const answer = await call(url, 'sts', CREDENTIALS, { 'content-type': 'application/x-www-form-urlencoded' }, body);
  const value = (name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(answer)![1];
  return { accessKeyId: value('AccessKeyId'), secretAccessKey: value('SecretAccessKey'), sessionToken: value('SessionToken') };
}

/** A client of one work group. */
export class Athena {
  constructor(
    private readonly url: string,
    private readonly workGroup: string,
    private readonly credentials: Credentials = CREDENTIALS,
  ) {}

  /** Rows of a query, without the names of its columns; null where there is no value. Errors: the query failed or was refused, with the reason. */
  async query(sql: string): Promise<(string | null)[][]> {
    const { QueryExecutionId } = await this.call<{ QueryExecutionId: string }>('StartQueryExecution', {
      ...{ QueryString: sql, WorkGroup: this.workGroup },
    });
    for (;;) {
      const { QueryExecution } = await this.call<{ QueryExecution: { Status: { State: string; StateChangeReason: string } } }>(
        'GetQueryExecution',
        { QueryExecutionId },
      );
      const { State, StateChangeReason } = QueryExecution.Status;
      if (State === 'SUCCEEDED') {
        break;
      }
      if (State !== 'QUEUED' && State !== 'RUNNING') {
        throw new Error(`${State}: ${StateChangeReason}`);
      }
      await sleep(100);
    }
    const { ResultSet } = await this.call<{ ResultSet: { Rows: { Data: { VarCharValue?: string }[] }[] } }>('GetQueryResults', {
      QueryExecutionId,
    });
    return ResultSet.Rows.slice(1).map(({ Data }) => Data.map(({ VarCharValue }) => VarCharValue ?? null));
  }

  private async call<T>(action: string, parameters: object): Promise<T> {
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `AmazonAthena.${action}` };
    return JSON.parse(await call(this.url, 'athena', this.credentials, headers, JSON.stringify(parameters))) as T;
  }
}
