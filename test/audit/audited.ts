import type { Audited } from './runs';

/** The line in which a run says what it looked at and how often it died at each place; `npm test` shows it at its end. */
export const AUDITED = /^audited \{.*\}, died \{.*\}$/;

export const auditedLine = ({ looked, hits }: Pick<Audited, 'looked' | 'hits'>): string =>
  `audited ${JSON.stringify(looked)}, died ${JSON.stringify(hits)}`;
