import { Subject } from './assembly';

/** Something that would fail, hurt or go unnoticed on AWS. */
export interface Finding {
  /** Id of the check, such as `queues`. */
  check: string;
  stack: string;
  /** Logical id; undefined when the whole template is meant. */
  resource?: string;
  /** What is wrong and what to do. */
  problem: string;
}

/** A problem before it is known which stack it is in. */
export type Problem = Omit<Finding, 'check' | 'stack'>;

/** One kind of fault. `run` sees one template; a check that needs a database loads it once, on first use. */
export interface Check {
  name: string;
  run(subject: Subject): Problem[] | Promise<Problem[]>;
}
