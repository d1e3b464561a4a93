import { CfnResource, PolicyValidationPluginReport } from 'aws-cdk-lib';
import { NagPack, NagPackProps, NagRuleCompliance } from 'cdk-nag';
import { IConstruct } from 'constructs';
import { Rule } from './rule';
import { RULES } from './rules';
import { AppView } from './view/app-view';

/** Properties of `AiWorkloadChecks`. */
export interface AiWorkloadChecksProps extends NagPackProps {
  /**
   * Keys of tags that name the owner of a resource: any of them will do. Upper and lower case are the same, and prefixes such as `acme:` do
   * not count.
   *
   * @default - owner, team, contact
   */
  readonly ownerTags?: string[];
}

/**
 * The eight mistakes of AI workloads, as far as templates show them: a validation plugin for any CDK app, in the shape of a pack of cdk-nag.
 * It judges what reaches AWS CloudFormation, so it does not matter which constructs made it. What is known only at deployment is no finding.
 *
 * Errors fail synth: they do not deploy, or work against their own purpose. Warnings are reported. Acknowledge a finding as with cdk-nag:
 * `Validations.of(construct).acknowledge({ id: 'AiWorkload-EndpointWithoutAlarm', reason: '...' })`.
 *
 *     Validations.of(app).addPlugins(new AiWorkloadChecks(app));
 */
export class AiWorkloadChecks extends NagPack {
  /** Name of the pack in reports; ids of rules begin with it. */
  public readonly name = 'AiWorkload';
  private readonly ownerTags: readonly string[];
  private app?: AppView;

  /**
   * @param scope The app
   * @param props What the rules cannot know
   */
  constructor(scope?: IConstruct, props?: AiWorkloadChecksProps) {
    super(scope, props);
    this.packName = 'AiWorkload';
    this.ownerTags = (props?.ownerTags ?? ['owner', 'team', 'contact']).map((tag) => tag.toLowerCase());
  }

  /** Validates a tree of constructs. Alarms and scaling that stand elsewhere in the same app are found too. */
  public override validateScope(scope: IConstruct): PolicyValidationPluginReport {
    this.app = new AppView(scope.node.root);
    const { violations } = super.validateScope(scope);
    this.app = undefined;
    return { success: violations.every(({ severity }) => severity !== 'error'), violations };
  }

  protected checkResource(node: CfnResource): void {
    const [app, options] = [this.app, { ownerTags: this.ownerTags }];
    const resource = app?.see(node);
    if (app === undefined || resource === undefined) {
      return;
    }
    for (const rule of RULES.filter(({ types }) => types.includes(resource.type))) {
      this.applyRule({
        ruleSuffixOverride: rule.name,
        info: messageOf(rule),
        explanation: `If it is meant, acknowledge AiWorkload-${rule.name} with the reason.`,
        level: rule.level,
        node,
        rule: () => {
          const found = rule.finds(resource, app, options);
          return typeof found === 'boolean' ? (found ? NagRuleCompliance.NON_COMPLIANT : NagRuleCompliance.COMPLIANT) : [...found];
        },
      });
    }
  }
}

const sentence = (text: string) => `${text[0].toUpperCase()}${text.slice(1)}.`;

/** What is wrong, why it bites, what to do, and where it is written. */
const messageOf = ({ what, why, fix, source }: Rule): string => `${sentence(what)} ${sentence(why)} Fix: ${fix}. (${source})`;
