// What `npm run bench:synth` compares the blueprint with: the same loader, validator and plugins around an app with one topic.
import { App, Stack, Validations } from 'aws-cdk-lib';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { AwsSolutionsChecks } from 'cdk-nag';

const app = new App();
new Topic(new Stack(app, 'Empty'), 'Topic', { enforceSSL: true });
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
