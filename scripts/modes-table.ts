// Writes docs/modes.md; a test fails when it was forgotten.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { modes, page } from './modes';

writeFileSync(join(__dirname, '../docs/modes.md'), page(modes()));
