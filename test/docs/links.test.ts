import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { anchorsOf, pages, read, ROOT } from './pages';

/** Relative links of a page that lead nowhere. */
function dead(page: string, text: string): string[] {
  const prose = text.replace(/^\s*```[\s\S]*?^\s*```/gm, '').replace(/`[^`\n]*`/g, '');
  const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target).filter((target) => !/^[a-z]+:/.test(target));
  return links.filter((target) => {
    const [path, anchor] = target.split('#');
    const file = path === '' ? page : relative(ROOT, join(ROOT, dirname(page), path));
    return (
      (file !== page && !existsSync(join(ROOT, file))) ||
      (anchor !== undefined && !anchorsOf(file === page ? text : read(file)).has(anchor))
    );
  });
}

describe('links in the documentation', () => {
  test.each(pages())('lead somewhere: %s', (page) => {
    expect(dead(page, read(page))).toEqual([]);
  });

  test('fails on a file or a heading that is not there', () => {
    const text =
      '# A page\n[a](architecture.md) [b](nowhere.md) [c](#a-page) [d](#other) [e](architecture.md#stacks-of-the-blueprint) [f](https://x.org/y)';
    expect(dead('docs/page.md', text)).toEqual(['nowhere.md', '#other']);
  });

  test('decisions are numbered one after the other, by file and by title', () => {
    const decisions = pages().filter((page) => page.startsWith('docs/decisions/'));
    expect(decisions.map((page) => /\/(\d{4})-[a-z0-9-]+\.md$/.exec(page)?.[1])).toEqual(
      decisions.map((_page, i) => String(i + 1).padStart(4, '0')),
    );
    expect(decisions.map((page) => /^# (\d+)\. /.exec(read(page))?.[1])).toEqual(decisions.map((_page, i) => String(i + 1)));
  });
});
