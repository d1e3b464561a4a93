import { isSafePattern } from 'redos-detector';

/**
 * How far a pattern is looked into, and the most ways in which it may read the beginning of one text. Both are counts, not times, so that the
 * verdict on a pattern is the same on every machine.
 */
const LIMITS = { maxSteps: 5000, maxScore: 200 };

/**
 * Why a text is no pattern for the validator: it is no regular expression as that compiles it, or its time may grow faster than the text, so that
 * one value of a sender could keep a function busy until it is ended
 * (https://owasp.org/www-community/attacks/Regular_expression_Denial_of_Service_-_ReDoS). Patterns that are not found to be fast are refused.
 *
 * @internal
 */
export function invalidPattern(pattern: string): string | undefined {
  try {
    new RegExp(pattern, 'u');
  } catch (error) {
    return `is no regular expression of ECMAScript with the flag 'u': ${(error as Error).message}`;
  }
  try {
    return isSafePattern(pattern, { unicode: true, ...LIMITS }).safe ? undefined : SLOW;
  } catch {
    return 'is more than can be checked for its time: leave out names of groups and flags within the pattern';
  }
}

const SLOW =
  'may take a time that grows faster than the text, which lets one value stop a file: begin it with ^, and let no two parts that repeat match the same text, as in (a+)+, a*a* or (a|ab|b)*; a separator between them helps: ^[a-z]+([.][a-z]+)*$';
