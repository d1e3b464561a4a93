// Writes docs/checks.md; a test fails when it was forgotten.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { page } from './checks';

writeFileSync(join(__dirname, '../docs/checks.md'), page());
