import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(__dirname, '../..');

/** A fenced block of a page. */
export interface Block {
  /** Page, relative to the repository, and line of the fence. */
  readonly where: string;
  readonly page: string;
  /** Line of the fence, from 1. */
  readonly line: number;
  /** What stands behind the opening fence. */
  readonly tag: string;
  readonly code: string;
}

/** Layers: every folder of constructs that has something to export. */
export const layers = (): string[] =>
  readdirSync(join(ROOT, 'lib/constructs')).filter((layer) => existsSync(join(ROOT, 'lib/constructs', layer, 'index.ts')));

/** Every page of the documentation, relative to the repository. */
export function pages(): string[] {
  const guides = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.md'));
  const readmes = readdirSync(join(ROOT, 'lib/constructs')).map((layer) => `lib/constructs/${layer}/README.md`);
  return ['README.md', ...guides.map((file) => `docs/${file}`), ...readmes].filter((page) => existsSync(join(ROOT, page))).sort();
}

export const read = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

/** The fenced blocks of a page, in whatever language; an open fence ends with the page. */
export function blocksOf(page: string, text = read(page)): Block[] {
  const blocks: Block[] = [];
  let open: { tag: string; line: number; fence: string; code: string[] } | undefined;
  const close = () => {
    const { tag, line, code } = open!;
    blocks.push({ where: `${page}:${line}`, page, line, tag, code: code.join('\n') });
    open = undefined;
  };
  text.split('\n').forEach((content, index) => {
    const fence = /^\s*(`{3,})\s*(.*)$/.exec(content);
    if (open === undefined && fence !== null) {
      open = { fence: fence[1], tag: fence[2].trim(), line: index + 1, code: [] };
    } else if (fence !== null && fence[2] === '' && fence[1].length >= open!.fence.length) {
      close();
    } else {
      open?.code.push(content);
    }
  });
  if (open !== undefined) {
    close();
  }
  return blocks;
}

/** Anchors of the headings of a page, as GitHub makes them. */
export const anchorsOf = (text: string): Set<string> =>
  new Set(
    [...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) =>
      heading
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replace(/ /g, '-'),
    ),
  );
