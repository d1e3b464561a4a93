import { NagMessageLevel } from 'cdk-nag';
import { AppView } from './view/app-view';
import { ResourceView } from './view/resource-view';

/** The eight mistakes that AI workloads are built with. @internal */
export enum Mistake {
  BOLTED_ON = 'bolted-on',
  DATA_NOT_READY = 'data-not-ready',
  NO_MLOPS = 'no-mlops',
  ARCHITECTURE_BYPASSED = 'architecture-bypassed',
  UNMONITORED = 'unmonitored',
  UNOWNED = 'unowned',
  ACCURACY_ONLY = 'accuracy-only',
  UNDERESTIMATED_INFRASTRUCTURE = 'underestimated-infrastructure',
}

/** One rule: what is wrong, why it bites, and what to do. @internal */
export interface Rule {
  /** Last part of the id: `AiWorkload-<name>`. */
  readonly name: string;
  readonly mistake: Mistake;
  /** An error works on no account or against its own purpose; a warning works, but nobody would be glad of it. */
  readonly level: NagMessageLevel;
  /** Types of resources that it judges. */
  readonly types: readonly string[];
  readonly what: string;
  readonly why: string;
  /** Page that says so. */
  readonly source: string;
  readonly fix: string;
  /** Whether a resource makes the mistake, or each thing in it that does, written without spaces. What is known only at deployment is never a finding. */
  readonly finds: (resource: ResourceView, app: AppView, options: RuleOptions) => boolean | readonly string[];
}

/** What the user says to all rules. @internal */
export interface RuleOptions {
  readonly ownerTags: readonly string[];
}
