import { mismatch, unknownAtSynth } from '../shared/checks';

/** Names a workload's stage and one of its models. @internal */
export interface ModelNames {
  readonly namePrefix: string;
  readonly model: string;
}

/**
 * Problem with a prefix of physical names. Parameters of AWS Systems Manager may not begin with `aws` or `ssm`
 * (https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html).
 *
 * @internal
 */
export function prefixProblems(namePrefix: string): string[] {
  return [
    ...unknownAtSynth('namePrefix', namePrefix),
    ...mismatch(
      'namePrefix',
      namePrefix,
      /^(?!aws|ssm)[a-z0-9](-?[a-z0-9]){0,38}$/,
      "1 to 39 lower-case letters, digits and inner hyphens, not beginning with 'aws' or 'ssm'",
    ),
  ];
}

/** Problems with the two names that every name of a model is made of. @internal */
export function modelNameProblems({ namePrefix, model }: ModelNames): string[] {
  return [
    ...prefixProblems(namePrefix),
    ...unknownAtSynth('model', model),
    ...mismatch('model', model, /^[a-z0-9](-?[a-z0-9]){0,19}$/, '1 to 20 lower-case letters, digits and inner hyphens'),
  ];
}

/** Problems with accounts that are trusted: policies name accounts, so each must be one. @internal */
export function accountProblems(accounts: string[] | undefined): string[] {
  return (accounts ?? []).flatMap((account) => mismatch('trustedAccounts', account, /^\d{12}$/, 'account ids of 12 digits'));
}
