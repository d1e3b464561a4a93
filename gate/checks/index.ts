import { Check } from '../check';
import { alarms } from './alarms';
import { buckets } from './buckets';
import { endpoints } from './endpoints';
import { events } from './events';
import { iamActions } from './iam-actions';
import { limits } from './limits';
import { queues } from './queues';
import { references } from './references';
import { scaling } from './scaling';
import { schema } from './schema';
import { stateMachines } from './state-machines';

/** Every check, in the order in which findings are shown. */
export const CHECKS: Check[] = [schema, references, iamActions, stateMachines, alarms, queues, events, buckets, scaling, endpoints, limits];
