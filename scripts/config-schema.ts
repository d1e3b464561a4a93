// Writes config/blueprint.schema.json from the zod schema; a test fails when it was forgotten.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { blueprintJsonSchema } from '../lib/config/schema';

writeFileSync(join(__dirname, '../config/blueprint.schema.json'), `${JSON.stringify(blueprintJsonSchema(), null, 2)}\n`);
