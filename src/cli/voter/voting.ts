import type { Console } from '../console.ts';
import type { Io } from '../io.ts';
import type { Ask } from './ask.ts';
import type { DeliverFlags } from './deliver.ts';
import type { Credentials, IdentityFlags } from './identify.ts';
import type { BallotBox } from './pending.ts';

export interface VoteFlags extends DeliverFlags, IdentityFlags {
  readonly choose?: readonly string[];
  readonly yes?: boolean;
  /** Where to write a ballot that is opened instead of cast. */
  readonly audit?: string;
  /** What becomes of a ballot that an earlier run left. */
  readonly pending?: 'cast' | 'discard';
}

/** What a vote is made with. */
export interface Voting {
  readonly flags: VoteFlags;
  readonly credentials: Credentials;
  /** Undefined where nobody can be asked. */
  readonly ask: Ask | undefined;
  readonly box: BallotBox;
  readonly io: Io;
  readonly out: Console;
}
