import { listFiles, modelInfo } from '@huggingface/hub';

/** One file of a revision, with what its content must be. */
export interface HubFile {
  readonly path: string;
  readonly size: number;
  /** SHA-256 of a large file (Git LFS); other files have the id of their Git blob. */
  readonly sha256?: string;
  readonly gitBlob?: string;
}

/** What the hub, or the network to it, does not give: a text for people. */
export class HubError extends Error {}

/** One revision of one model at the hub. */
export interface HubModel {
  readonly id: string;
  readonly revision: string;
  /** Files of the revision. Errors: `UnknownModel`, `UnknownRevision`, `GatedModel`, `InvalidToken`, `HubUnreachable`. */
  files(): Promise<HubFile[]>;
  /** Content of a file from an offset on. */
  read(path: string, from: number): Promise<ReadableStream<Uint8Array>>;
}

export interface HubOptions {
  readonly id: string;
  readonly revision: string;
  /** Address of the hub or of a mirror, without a slash at its end. */
  readonly url: string;
  readonly token?: string;
  readonly sleep: (milliseconds: number) => Promise<void>;
}

const RETRIES = 5;

/** The client library lists; content is read here, because the library neither resumes nor checks it. */
export function hubModel(options: HubOptions): HubModel {
  const { id, revision, url, token } = options;
  const call = callerOf(options);
  const common = { hubUrl: url, fetch: call as typeof fetch, ...(token === undefined ? {} : { accessToken: token }) };
  return {
    id,
    revision,
    async files() {
      const { sha } = await modelInfo({ ...common, name: id, revision, additionalFields: ['sha'] });
      if (sha !== revision) {
        throw new HubError(`UnknownRevision: asked for ${revision}, ${url} answered with ${sha}: give a commit of 40 hexadecimal digits`);
      }
      const files: HubFile[] = [];
      for await (const { type, path, size, lfs, oid } of listFiles({ ...common, repo: id, revision, recursive: true })) {
        if (type === 'file') {
          files.push({
            path,
            size: lfs?.size ?? size,
            ...(lfs === undefined ? { gitBlob: oid } : { sha256: lfs.oid.replace(/^sha256:/, '') }),
          });
        }
      }
      return files;
    },
    async read(path, from) {
      const address = `${url}/${id}/resolve/${revision}/${path.split('/').map(encodeURIComponent).join('/')}`;
      const headers = { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), range: `bytes=${from}-` };
      const { status, body } = await call(address, { headers });
      if (from > 0 && status !== 206) {
        throw new HubError(`HubRefused: ${url} does not continue ${path} at byte ${from} (status ${status})`);
      }
      return body!;
    },
  };
}

/** `fetch` that waits and tries again where that may help, and else says what the refusal means. */
function callerOf(options: HubOptions): (input: string | URL | Request, init?: RequestInit) => Promise<Response> {
  return async (input, init) => {
    for (let attempt = 0; ; attempt++) {
      const response = await fetch(input, init).catch((error: Error) => error);
      if (response instanceof Response && response.ok) {
        return response;
      }
      const passing = response instanceof Error || response.status === 429 || response.status >= 500;
      if (!passing || attempt === RETRIES) {
        throw response instanceof Error ? unreachable(options, response) : await refusal(options, response);
      }
      const asked = response instanceof Error ? NaN : Number(response.headers.get('retry-after') ?? NaN);
      await options.sleep(Number.isNaN(asked) ? 500 * 2 ** attempt : asked * 1000);
    }
  };
}

const unreachable = ({ url }: HubOptions, error: Error): HubError =>
  new HubError(
    `HubUnreachable: ${url} does not answer (${(error.cause as Error | undefined)?.message ?? error.message}): check the network, or HF_ENDPOINT`,
  );

/** The hub names the reason in a header (https://github.com/huggingface/huggingface_hub, `utils/_http.py`, `hf_raise_for_status`). */
async function refusal({ id, revision, url, token }: HubOptions, response: Response): Promise<HubError> {
  const { status, headers } = response;
  const [code, text] = [headers.get('x-error-code'), headers.get('x-error-message') ?? (await response.text()).slice(0, 200)];
  if (code === 'GatedRepo') {
    return new HubError(
      `GatedModel: ${id} is gated: accept its licence at ${url}/${id}, then give a token of the same account by HF_TOKEN or --token-secret`,
    );
  }
  if (code === 'RevisionNotFound') {
    return new HubError(`UnknownRevision: ${id} has no commit ${revision}: copy one from ${url}/${id}/commits/main`);
  }
  if (status === 401 && token !== undefined && /invalid/i.test(text)) {
    return new HubError(`InvalidToken: ${url} does not accept the token: make a new one with the right to read at ${url}/settings/tokens`);
  }
  if (code === 'RepoNotFound' || status === 401) {
    const who = token === undefined ? 'it is private: give a token by HF_TOKEN or --token-secret' : 'the token may not see it';
    return new HubError(`UnknownModel: there is no model ${id} at ${url}, or ${who}`);
  }
  return new HubError(`HubRefused: ${url} answered ${status} (${code ?? 'no reason'}): ${text}`);
}
