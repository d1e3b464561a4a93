import { z } from 'zod';

/** A name that starts or ends physical names. */
export const name = (max: number) =>
  z
    .string()
    .regex(
      new RegExp(`^[a-z][a-z0-9-]{0,${max - 1}}$`),
      `must be 1 to ${max} lower-case letters, digits and hyphens, starting with a letter`,
    );
