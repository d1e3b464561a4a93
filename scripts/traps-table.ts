// Writes docs/traps.md; a test fails when it was forgotten.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { page } from './traps';

writeFileSync(join(__dirname, '../docs/traps.md'), page());
