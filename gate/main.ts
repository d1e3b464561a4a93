// npm run gate -- DIR [DIR ...] [--deployed DIR] [--json]: checks any CDK cloud assembly. Exit code 0: clean, 1: findings, 2: could not look.
import { parseArgs } from 'node:util';
import { loadAssembly, Subject } from './assembly';
import { refusedChanges } from './changes';
import { refusedContracts } from './contracts';
import { Finding } from './check';
import { CHECKS } from './checks';
import { findings, pathOf, uncheckedNamespaces } from './gate';

const USAGE = `Usage: npm run gate -- DIR [DIR ...] [--deployed DIR] [--json]

Checks the templates of CDK cloud assemblies (folders that \`cdk synth -o DIR\` wrote), whoever wrote the app.
--deployed is the assembly that was deployed last: changes from there that one deployment cannot make are findings too, and so are
changes of data contracts that their versions do not allow.
Checks: ${CHECKS.map(({ name }) => name).join(', ')}.`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { deployed: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean' } },
  });
  if (values.help || positionals.length === 0) {
    console.log(USAGE);
    return values.help ? 0 : 2;
  }
  const subjects = positionals.flatMap(loadAssembly);
  if (subjects.length === 0) {
    throw new Error(`NoStacks: ${positionals.join(', ')} has no stack: nothing was checked`);
  }
  const deployed = values.deployed === undefined ? [] : loadAssembly(values.deployed);
  const found = [...(await findings(subjects)), ...refusedChanges(deployed, subjects), ...refusedContracts(deployed, subjects)];
  const unchecked = uncheckedNamespaces(subjects);
  if (values.json) {
    console.log(JSON.stringify({ findings: found, unchecked }, null, 2));
  } else {
    print(subjects, found);
    if (unchecked.length > 0) {
      console.log(
        `Alarms on these namespaces were not checked against the metric catalogue: ${unchecked.map(({ namespace }) => namespace).join(', ')}`,
      );
    }
    const resources = subjects.reduce((sum, { template }) => sum + Object.keys(template.Resources ?? {}).length, 0);
    console.log(`${found.length} findings in ${subjects.length} templates, ${resources} resources, ${CHECKS.length} checks`);
  }
  return found.length === 0 ? 0 : 1;
}

function print(subjects: Subject[], found: Finding[]): void {
  for (const stack of new Set(found.map((finding) => finding.stack))) {
    console.log(stack);
    for (const finding of found.filter((one) => one.stack === stack)) {
      const path = pathOf(finding, subjects);
      console.log(`  ${finding.check}: ${finding.resource ?? '(template)'}${path === undefined ? '' : ` [${path}]`}: ${finding.problem}`);
    }
  }
}

main().then(
  (code) => (process.exitCode = code),
  (error: Error) => {
    console.error(error.message);
    process.exitCode = 2;
  },
);
