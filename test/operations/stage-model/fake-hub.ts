import { createHash } from 'node:crypto';
import { createServer, IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const REVISION = '9c925d64d72725edaf899c6cb9c377fd0709d9c5';
export const ID = 'Qwen/Qwen3-8B';

/** What a hub does wrong, or refuses. */
export interface Faults {
  /** Answers of the CDN for a file end after this many bytes, so many times. */
  cut?: { path: string; after: number; times: number };
  /** The CDN sends other bytes for this file. */
  corrupt?: string;
  /** The CDN sends this many bytes of a file and then nothing, with the connection open. */
  stall?: { path: string; after: number };
  gated?: boolean;
  /** Requests that are answered with this status first. */
  busy?: { status: number; times: number };
}

/** A hub on loopback that answers as https://huggingface.co does: a paged tree, and redirects of large files to a CDN at another origin. */
export class FakeHub {
  /** What was asked, in order: `hub GET /path` or `cdn GET /path range`. */
  public readonly asked: string[] = [];
  /** Headers with a token that reached the CDN, where it must not go. */
  public readonly leaked: string[] = [];
  private readonly servers: Server[] = [];
  public url = '';
  private cdn = '';

  constructor(
    private readonly files: Readonly<Record<string, Buffer>>,
    private readonly faults: Faults = {},
    private readonly token?: string,
  ) {}

  public async start(): Promise<this> {
    this.cdn = await this.listen((request, response) => this.deliver(request, response));
    this.url = await this.listen((request, response) => this.answer(request, response));
    return this;
  }

  public async stop(): Promise<void> {
    await Promise.all(
      this.servers.map((server) => {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
      }),
    );
  }

  private async listen(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
    const server = createServer(handler);
    this.servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url!, this.url);
    this.asked.push(`hub GET ${pathname}`);
    const refuse = (status: number, code: string, message: string) =>
      response.writeHead(status, { 'x-error-code': code, 'x-error-message': message, 'content-type': 'application/json' }).end('{}');
    if (this.faults.busy !== undefined && this.faults.busy.times-- > 0) {
      return void response.writeHead(this.faults.busy.status, { 'retry-after': '0' }).end();
    }
    const { authorization } = request.headers;
    if (authorization !== undefined && authorization !== `Bearer ${this.token}`) {
      return void refuse(401, '', 'Invalid credentials in Authorization header');
    }
    if (!pathname.includes(ID)) {
      return void refuse(authorization === undefined ? 401 : 404, 'RepoNotFound', 'Repository not found');
    }
    if (this.faults.gated && authorization === undefined) {
      return void refuse(401, 'GatedRepo', `Access to model ${ID} is restricted`);
    }
    if (!pathname.includes(REVISION)) {
      return void refuse(404, 'RevisionNotFound', 'Invalid rev id');
    }
    const json = (value: unknown, headers: Record<string, string> = {}) =>
      response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
    if (pathname === `/api/models/${ID}/revision/${REVISION}`) {
      return void json({ _id: '1', id: ID, sha: REVISION, private: false, gated: this.faults.gated ?? false, lastModified: '2026-01-01' });
    }
    if (pathname === `/api/models/${ID}/tree/${REVISION}`) {
      const entries = this.tree();
      const at = Number(searchParams.get('cursor') ?? 0);
      const next = `${this.url}${pathname}?recursive=true&expand=false&cursor=${at + 3}`;
      return void json(entries.slice(at, at + 3), at + 3 < entries.length ? { link: `<${next}>; rel="next"` } : {});
    }
    const path = decodeURIComponent(pathname.slice(`/${ID}/resolve/${REVISION}/`.length));
    if (isLarge(this.files[path])) {
      return void response.writeHead(302, { location: `${this.cdn}/${path}` }).end();
    }
    this.send(path, request, response);
  }

  private deliver(request: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent(request.url!.slice(1));
    this.asked.push(`cdn GET ${path} ${request.headers.range}`);
    if (request.headers.authorization !== undefined) {
      this.leaked.push(request.headers.authorization);
    }
    this.send(path, request, response);
  }

  private send(path: string, request: IncomingMessage, response: ServerResponse): void {
    const whole = this.files[path];
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const bytes =
      path === this.faults.corrupt ? Buffer.concat([whole.subarray(from, -1), Buffer.from([whole.at(-1)! ^ 1])]) : whole.subarray(from);
    response.writeHead(206, { 'content-length': bytes.length, 'content-range': `bytes ${from}-${whole.length - 1}/${whole.length}` });
    const { cut, stall } = this.faults;
    if (stall?.path === path) {
      return void response.write(bytes.subarray(0, stall.after));
    }
    if (cut?.path === path && cut.times-- > 0) {
      return void response.write(bytes.subarray(0, cut.after), () => response.destroy());
    }
    response.end(bytes);
  }

  private tree(): unknown[] {
    const folders = new Set(Object.keys(this.files).flatMap((path) => (path.includes('/') ? [path.split('/')[0]] : [])));
    return [
      ...[...folders].map((path) => ({ type: 'directory', path, size: 0, oid: '0'.repeat(40) })),
      ...Object.entries(this.files).map(([path, bytes]) => ({
        type: 'file',
        path,
        size: bytes.length,
        oid: gitBlob(bytes),
        ...(isLarge(bytes) ? { lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 135 } } : {}),
      })),
    ];
  }
}

const isLarge = (bytes: Buffer): boolean => bytes.length > 100_000;
export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
export const gitBlob = (bytes: Buffer): string => createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
