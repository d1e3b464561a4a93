import { RemovalPolicy } from 'aws-cdk-lib';

/** What decides whether data goes with its bucket: two switches, because one alone would be one slip. @internal */
export interface DataRemoval {
  readonly removalPolicy?: RemovalPolicy;
  readonly deleteObjects?: boolean;
}

/** Problem when one of the two switches is set without the other. @internal */
export function removalProblems({ removalPolicy, deleteObjects }: DataRemoval): string[] {
  const destroyed = removalPolicy === RemovalPolicy.DESTROY;
  const deleted = deleteObjects ?? false;
  return [
    ...(destroyed && !deleted
      ? [
          "'removalPolicy' DESTROY cannot delete buckets that hold data: set 'deleteObjects: true' as well, or leave both out to keep the data",
        ]
      : []),
    ...(deleted && !destroyed
      ? ["'deleteObjects' deletes nothing while the buckets are kept: set 'removalPolicy: RemovalPolicy.DESTROY' as well, or leave it out"]
      : []),
  ];
}
