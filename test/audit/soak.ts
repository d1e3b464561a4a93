// `npm run soak -- [rows] [seed]`: sends a million rows through the intake while everything breaks and audits what is left. A rotation of seeds
// finds what one does not: the seed is printed and is the day unless it is given.
import { runAndAudit } from './runs';

const ROWS_OF_A_FILE = 17_000;

async function main([rows = '1000000', seed = new Date().toISOString().slice(0, 10)]: string[]): Promise<void> {
  const files = Math.max(20, Math.ceil(Number(rows) / ROWS_OF_A_FILE));
  console.log(`${rows} rows in ${files} files, seed ${seed}`);
  const { hits, problems, looked } = await runAndAudit({ files, rows: Number(rows), seed });
  console.log('died:');
  Object.entries(hits).forEach(([where, times]) => console.log(`  ${String(times).padStart(5)} times ${where}`));
  console.log(`audited: ${JSON.stringify(looked)}`);
  problems.forEach((problem) => console.log(problem));
  console.log(problems.length === 0 ? 'every record is in the books once' : 'the books are wrong');
  process.exitCode = problems.length === 0 ? 0 : 1;
}

void main(process.argv.slice(2));
