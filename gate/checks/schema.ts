import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { Check } from '../check';

interface Diagnostic {
  ruleId: string;
  severity: string;
  message: string;
  propertyPath?: string;
  entity?: { logicalId?: string };
}
interface Engine {
  validateTemplate(template: unknown): { diagnostics: Diagnostic[] };
}

/** The ids that aws-cdk-lib itself does not report: they judge style or are false alarms for synthesized templates. */
const IGNORED = new Set(['W9002', 'W9013', 'W1020', 'W1103', 'W3005', 'W4011', 'W4012', 'I4010']);
const FAILING = new Set(['FATAL', 'ERROR', 'WARN']);

let engine: { validator: Engine; file: (path: string) => unknown } | undefined;

/** CDK's own validator, nested in aws-cdk-lib; it takes seconds to build, so there is one. */
function validator(): NonNullable<typeof engine> {
  if (engine === undefined) {
    const from = createRequire(__filename);
    const nested = from.resolve('@aws/cloudformation-validate', { paths: [dirname(from.resolve('aws-cdk-lib/package.json'))] });
    const { CompositeEngine, TemplateFile } = from(nested);
    engine = { validator: new CompositeEngine(), file: (path) => new TemplateFile(path) };
  }
  return engine;
}

/** Strict template validation: what `cdk synth` prints as a warning fails here. */
export const schema: Check = {
  name: 'schema',
  run: ({ file }) => {
    const { validator: strict, file: open } = validator();
    return strict
      .validateTemplate(open(file))
      .diagnostics.filter(({ ruleId, severity }) => FAILING.has(severity) && !IGNORED.has(ruleId))
      .map(({ ruleId, message, propertyPath, entity }) => ({
        resource: entity?.logicalId,
        problem: `${ruleId}${propertyPath === undefined ? '' : ` at ${propertyPath}`}: ${message}`,
      }));
  },
};
