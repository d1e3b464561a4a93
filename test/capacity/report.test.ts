import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { reactionChecks } from '../../capacity/validation/reaction';
import { CHECKS, rows } from '../../capacity/validation/report';
import { speedChecks } from '../../capacity/validation/speed';

const docs = join(__dirname, '../../docs');
const page = readFileSync(join(docs, 'capacity-validation.md'), 'utf8');

test('docs/capacity-validation.md has the figures that the simulator gives now: run `npm run capacity:validate` when it does not', () => {
  for (const row of rows([...speedChecks(), ...reactionChecks()])) {
    expect(page).toContain(row);
  }
  CHECKS.forEach(({ title }) => expect(page).toContain(`## ${title}`));
});

test('its charts are there and drawn', () => {
  for (const chart of ['capacity-saturation.svg', 'capacity-reaction.svg']) {
    expect(page).toContain(`(${chart})`);
    const drawing = readFileSync(join(docs, chart), 'utf8');
    expect(drawing).toContain('xmlns="http://www.w3.org/2000/svg"');
    expect(drawing.match(/<circle/g)?.length).toBeGreaterThanOrEqual(20);
  }
});
