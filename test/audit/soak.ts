// `npm run soak -- [rows] [seed]`: sends a million rows through the intake while everything breaks and audits what is left. A rotation of seeds
// finds what one does not: the seed is printed and is the day unless it is given.
import { runAndAudit } from './runs';

const ROWS_OF_A_FILE = 17_000;
const LEAST_ROWS = 50_000;
/** So often each place must have been died at; a run in which less broke says nothing. */
const LEAST_HITS = 20;

async function main([rows = '1000000', seed = new Date().toISOString().slice(0, 10)]: string[]): Promise<void> {
  if (!/^\d+$/.test(rows) || Number(rows) < LEAST_ROWS) {
    throw new Error(`rows is '${rows}', it must be a whole number of at least ${LEAST_ROWS}, in digits alone: npm run soak -- 1000000`);
  }
  const files = Math.max(20, Math.ceil(Number(rows) / ROWS_OF_A_FILE));
  console.log(`${rows} rows in ${files} files, seed ${seed}`);
  const { hits, problems, looked } = await runAndAudit({ files, rows: Number(rows), seed });
  console.log('died:');
  Object.entries(hits).forEach(([where, times]) => console.log(`  ${String(times).padStart(5)} times ${where}`));
  console.log(`audited: ${JSON.stringify(looked)}`);
  if (looked.records < Number(rows)) {
    problems.push(`only ${looked.records} of at least ${rows} records were audited`);
  }
  const rare = Object.entries(hits).filter(([, times]) => times < LEAST_HITS);
  rare.forEach(([where, times]) => problems.push(`died ${times} times ${where}, it must be at least ${LEAST_HITS}: take another seed`));
  problems.forEach((problem) => console.log(problem));
  console.log(problems.length === 0 ? 'every record is in the books once' : 'the books are wrong, or not proved right');
  process.exitCode = problems.length === 0 ? 0 : 1;
}

main(process.argv.slice(2)).catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
