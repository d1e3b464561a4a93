// Writes an assembly with two intakes of the flights, one that splits files above 4 MiB and one that reads them whole: splitting-stack.ts OUT NAME.
import { App, Size, Stack } from 'aws-cdk-lib';
import { CfnOutput, DefaultStackSynthesizer } from 'aws-cdk-lib';
import { DataContract, DataIntake, DataZones } from '../../../../lib';
import { CONTEXT } from '../../../support/synth';

const [outdir, name] = process.argv.slice(2);
const app = new App({ outdir, context: CONTEXT });
const stack = new Stack(app, name, {
  env: { account: '000000000000', region: 'us-east-1' },
  synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }),
});
const contract = DataContract.fromFile('examples/flight-delays/contracts/flights.odcs.yaml');
for (const [which, splitAbove] of Object.entries({ Split: Size.mebibytes(4), Whole: Size.gibibytes(2) })) {
  const zones = new DataZones(stack, `${which}Zones`);
  const intakeName = `${name}-${which.toLowerCase()}`;
  const intake = new DataIntake(stack, which, { zones, contract, intakeName, splitAbove });
  const { raw, validated, quarantine } = zones;
  Object.entries({
    Raw: raw.bucketName,
    Validated: validated.bucketName,
    Quarantine: quarantine.bucketName,
    Ledger: intake.ledger.tableName,
  }).forEach(([what, value]) => new CfnOutput(stack, `${which}${what}`, { value }));
}
app.synth();
