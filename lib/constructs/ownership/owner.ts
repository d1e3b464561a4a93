import { Token } from 'aws-cdk-lib';
import { ITopicSubscription } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription, SqsSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { IQueue } from 'aws-cdk-lib/aws-sqs';
import { mismatch, unknownAtSynth } from '../shared/checks';
import { Layer } from './layer';

/** Where the alerts of an owner go. */
export abstract class AlertDestination {
  /**
   * An e-mail address. The receiver must confirm the subscription once: until then nothing arrives
   * (https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html). Errors: a text that is no address.
   */
  public static email(address: string): AlertDestination {
    const problems = mismatch('address', address, /^[^@\s]+@[^@\s]+\.[^@\s]+$/, 'an e-mail address');
    if (problems.length > 0) {
      throw new Error(`InvalidAlertDestination: ${problems.join('; ')}`);
    }
    return new (class extends AlertDestination {
      public bind() {
        return new EmailSubscription(address);
      }
    })();
  }

  /** A queue that the team's own tooling reads. It must be unencrypted, SSE-SQS, or have a key that lets Amazon SNS in. */
  public static queue(queue: IQueue): AlertDestination {
    return new (class extends AlertDestination {
      public bind() {
        return new SqsSubscription(queue);
      }
    })();
  }

  /** The subscription that carries alerts to this destination. */
  public abstract bind(): ITopicSubscription;
}

/** Properties of an `Owner`. */
export interface OwnerProps {
  /**
   * Team name: 2 to 40 lower-case letters, digits and hyphens, starting with a letter, known at synth. It becomes part of the names of
   * topics and alarms.
   */
  readonly team: string;
  /** How to reach people about this layer outside alarms: a mail address, a channel. */
  readonly contact: string;
  /** Destinations that wake somebody. At least one. */
  readonly page: AlertDestination[];
  /**
   * Destinations for alerts that can wait.
   *
   * @default - those of `page`
   */
  readonly ticket?: AlertDestination[];
}

/** A team that answers for one or more layers of a workload. */
export class Owner {
  /** Team name. */
  public readonly team: string;
  /** How to reach people. */
  public readonly contact: string;
  /** Destinations that wake somebody. */
  public readonly page: AlertDestination[];
  /** Destinations for alerts that can wait. */
  public readonly ticket: AlertDestination[];

  constructor(props: OwnerProps) {
    const shape = '2 to 40 lower-case letters, digits and hyphens, starting with a letter';
    const problems = [...unknownAtSynth('team', props.team), ...mismatch('team', props.team, /^[a-z][a-z0-9-]{1,39}$/, shape)];
    if (props.page.length === 0) {
      problems.push(`'page' of team '${props.team}' is empty: give at least one AlertDestination, or its alarms reach nobody`);
    }
    if (!Token.isUnresolved(props.contact) && props.contact.trim() === '') {
      problems.push(`'contact' of team '${props.team}' is empty: say how to reach the team`);
    }
    if (problems.length > 0) {
      throw new Error(`InvalidOwner: ${problems.join('; ')}`);
    }
    this.team = props.team;
    this.contact = props.contact;
    this.page = props.page;
    this.ticket = props.ticket ?? props.page;
  }
}

/** One owner for each layer; all are required, because a layer without an owner is one that nobody repairs. */
export interface OwnersByLayer {
  /** Owner of landing zones, contracts, intake and datasets. */
  readonly data: Owner;
  /** Owner of training and model registry. */
  readonly models: Owner;
  /** Owner of endpoints and their scaling. */
  readonly serving: Owner;
  /** Owner of releases. */
  readonly delivery: Owner;
  /** Owner of API, events and feedback. */
  readonly integration: Owner;
  /** Owner of dashboards, drift and quality. */
  readonly observability: Owner;
  /** Owner of network and accounts. */
  readonly infrastructure: Owner;
  /** Owner of the business objective and the budget. */
  readonly product: Owner;
}

/** The owners of a workload's layers. */
export class Owners {
  /** States the owner of each layer. Errors: a layer without owner; two different `Owner` objects with the same team name. */
  public static byLayer(owners: OwnersByLayer): Owners {
    return new Owners(owners);
  }

  private constructor(private readonly owners: OwnersByLayer) {
    const missing = Object.values(Layer).filter((layer) => owners[layer] === undefined);
    const problems = missing.map((layer) => `'${layer}' has no owner: every layer needs one`);
    for (const owner of this.all()) {
      if (Object.values(owners).some((other: Owner) => other !== owner && other?.team === owner.team)) {
        problems.push(`team '${owner.team}' is given by two different Owner objects: make one and use it for each of its layers`);
      }
    }
    if (problems.length > 0) {
      throw new Error(`InvalidOwners: ${problems.join('; ')}`);
    }
  }

  /** The owner of a layer. */
  public of(layer: Layer): Owner {
    return this.owners[layer];
  }

  /** Every owner once, ordered by team name. */
  public all(): Owner[] {
    const unique = new Set(Object.values(this.owners).filter((owner: Owner | undefined) => owner !== undefined) as Owner[]);
    return [...unique].sort((a, b) => (a.team < b.team ? -1 : 1));
  }
}
