// The pages of docs/ that are generated, each with what it is generated from.
import * as checks from './checks';
import * as coverage from './coverage';
import * as modes from './modes';
import * as semantics from './semantics';
import * as traps from './traps';

export const PAGES: Readonly<Record<string, () => string>> = {
  'docs/checks.md': checks.page,
  'docs/contract-semantics.md': semantics.page,
  'docs/coverage.md': coverage.page,
  'docs/modes.md': () => modes.page(modes.modes()),
  'docs/traps.md': traps.page,
};
