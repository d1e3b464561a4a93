import { CfnDynamicReference, Token, Tokenization } from 'aws-cdk-lib';

/** Names whose values are secrets; the environment of a model is readable by anyone who may describe it. */
const SECRET = /(^|_)(TOKEN|PASSWORD|PASSWD|SECRET|API_KEY|ACCESS_KEY|PRIVATE_KEY)$/i;

/** Whether AWS CloudFormation puts the value of a secret in its place: a `SecretValue` does, and a text like `{{resolve:secretsmanager:...}}`. */
const isDynamicReference = (value: string): boolean =>
  Token.isUnresolved(value)
    ? Tokenization.reverseString(value).tokens.some((token) => token instanceof CfnDynamicReference)
    : /\{\{resolve:/.test(String(value));

/**
 * What CreateModel refuses in an environment, and secrets that must not be in it
 * (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html).
 *
 * @internal
 */
export function environmentProblems(environment: Readonly<Record<string, string>>): string[] {
  const entries = Object.entries(environment);
  const problems: string[] = [];
  if (entries.length > 100) {
    problems.push(`'environment' must have at most 100 entries, got ${entries.length}`);
  }
  for (const [key, value] of entries) {
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,1023}$/.test(key)) {
      problems.push(`'environment' key '${key}' must be up to 1024 letters, digits and '_', not starting with a digit`);
    }
    if (SECRET.test(key) && isDynamicReference(value)) {
      problems.push(`'environment' value of '${key}' is a secret that the deployment would resolve, for anyone to read: pass its ARN`);
    }
    if (Token.isUnresolved(value)) {
      continue;
    }
    if (typeof value !== 'string') {
      problems.push(`'environment' value of '${key}' must be a text, got ${typeof value}: put it in quotes`);
    } else if (Buffer.byteLength(value) > 1024) {
      problems.push(`'environment' value of '${key}' must have at most 1024 bytes, got ${Buffer.byteLength(value)}`);
    } else if (SECRET.test(key) && !value.startsWith('arn:') && !isDynamicReference(value)) {
      problems.push(`'environment' value of '${key}' looks like a secret: store it in AWS Secrets Manager and pass its ARN`);
    }
  }
  const size = entries.reduce((total, [key, value]) => total + Buffer.byteLength(`${key}${value}`), 0);
  return size > 32 * 1024 ? [...problems, `'environment' must have at most 32768 bytes in all, got ${size}`] : problems;
}
