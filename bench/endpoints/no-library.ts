// The same app without endpoints and without a library for them.
import { App, Stack } from 'aws-cdk-lib';
import { Topic } from 'aws-cdk-lib/aws-sns';

new Topic(new Stack(new App(), 'Empty'), 'Topic', { enforceSSL: true });
