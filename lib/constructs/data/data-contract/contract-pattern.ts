/** Why a text is no regular expression, as the validator compiles it. @internal */
export function invalidPattern(pattern: string): string | undefined {
  try {
    new RegExp(pattern, 'u');
    return undefined;
  } catch (error) {
    return `is no regular expression of ECMAScript with the flag 'u': ${(error as Error).message}`;
  }
}
