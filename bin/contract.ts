// `npm run contract -- diff OLD NEW`: every difference between two versions of a data contract, and whether the newer version allows it.
// Exit code 0: it does, 1: it does not, 2: could not look.
import { DataContract } from '../lib/constructs/data/data-contract/data-contract';
import { contractChanges, versionObjections } from '../lib/constructs/data/data-contract/contract-changes';

const USAGE = `Usage: npm run contract -- diff OLD NEW

OLD and NEW are files of data contracts (Open Data Contract Standard). What may refuse a record or a file that was valid needs a new major version,
anything else that judges data a minor one; limits of alarms, descriptions and owners need none.`;

function main([command, ...files]: string[]): number {
  if (command !== 'diff' || files.length !== 2) {
    console.error(USAGE);
    return 2;
  }
  const [before, after] = files.map((file) => DataContract.fromFile(file));
  const changes = contractChanges(before._rules, after._rules);
  changes.forEach(({ needs, path, text }) => console.log(`${needs}  '${path}' ${text}`));
  if (JSON.stringify(before._limits) !== JSON.stringify(after._limits)) {
    console.log(`none   limits of alarms were ${JSON.stringify(before._limits)} and are ${JSON.stringify(after._limits)}`);
  }
  const objections = versionObjections(before._rules, after._rules);
  objections.forEach((objection) => console.error(objection));
  console.log(
    `${changes.length} changes from ${before.version} to ${after.version}, ${objections.length} of them not allowed by that step`,
  );
  return objections.length === 0 ? 0 : 1;
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 2;
}
