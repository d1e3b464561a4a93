// What test/e2e/stream-intake.ts deploys: one dataset that files, a stream and an API of records feed, a table of its newest records, and queries of its
// versions by one who was granted them and one who was not.
import { join } from 'node:path';
import { App, CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AccountRootPrincipal, Role } from 'aws-cdk-lib/aws-iam';
import {
  DataContract,
  DataIntake,
  DatasetCatalog,
  DatasetQueries,
  DataZones,
  EventTime,
  OnlineTable,
  PredictionBus,
  RecordsApi,
  StreamIntake,
} from '../../lib';

const app = new App();
const stack = new Stack(app, 'readings');
const removalPolicy = RemovalPolicy.DESTROY;
const { bus } = new PredictionBus(stack, 'Bus', { busName: 'readings' });
const zones = new DataZones(stack, 'Zones', { removalPolicy, deleteObjects: true });
const contract = DataContract.fromFile(join(__dirname, 'readings.odcs.yaml'));
const intake = new DataIntake(stack, 'Readings', { zones, contract, bus, intakeName: 'readings', removalPolicy });
const source = new StreamIntake(stack, 'Stream', { intake, landingWindow: Duration.seconds(1), removalPolicy });
const online = new OnlineTable(stack, 'Online', { source, entity: ['sensor'], eventTime: EventTime.column('at'), removalPolicy });
const records = new RecordsApi(stack, 'Records', { apiName: 'readings' });
records.addDataset(source);
const catalog = new DatasetCatalog(stack, 'Catalog', { zones, bus, catalogName: 'readings', removalPolicy });
catalog.addDataset(intake);
const queries = new DatasetQueries(stack, 'Queries', { catalog, name: 'readings', removalPolicy, deleteObjects: true });
const [analyst, stranger] = ['Analyst', 'Stranger'].map((id) => new Role(stack, id, { assumedBy: new AccountRootPrincipal() }));
queries.grantQuery('readings', analyst);
const outputs = {
  Stream: source.streamName,
  Online: online.table.tableName,
  Ledger: intake.ledger.tableName,
  Raw: zones.raw.bucketName,
  Validated: zones.validated.bucketName,
  Api: records.url,
  Builder: catalog.builder.functionName,
  WorkGroup: queries.workGroup,
  Analyst: analyst.roleArn,
  Stranger: stranger.roleArn,
};
Object.entries(outputs).forEach(([name, value]) => new CfnOutput(stack, `${name}Name`, { value }));
