import type * as z from 'zod';
import { refused } from '../../base/errors.ts';
import { firstIssue } from '../../election/schemas.ts';

/** A command from another process that this one can't carry out: only another version would send it. */
export function refusedCommand(error: z.ZodError): Error {
  return refused(
    'malformed',
    `The running admin process does not understand the command (${firstIssue(error)}).`,
    {
      hint: 'It may be of another version: stop it, and start it again from this folder.',
    },
  );
}
