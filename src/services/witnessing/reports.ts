import { type PeerClient, isForeseen } from '../ports.ts';
import { type Patience, untilAborted, withDeadline } from './deadline.ts';

/** What looking for one ballot came to. */
export interface BallotCheck {
  readonly round: number;
  readonly found: boolean;
}

/** For saying that ballots were found, in ms. */
const REPORT_MS = 5_000;

/**
 * Says what looking for ballots came to, once for each round, over the first of these connections that can be made: each is of its own, so
 * that nothing in it says whose ballots these are.
 */
export async function reportChecks(
  checks: readonly BallotCheck[],
  connections: readonly ((signal: AbortSignal) => Promise<PeerClient>)[],
  patience: Patience,
): Promise<void> {
  const byRound = new Map<number, boolean>();
  for (const { round, found } of checks) byRound.set(round, found && (byRound.get(round) ?? true));
  if (byRound.size === 0) return;
  await withDeadline(REPORT_MS, patience, async (signal) => {
    for (const connect of connections) if (await tell(connect, byRound, signal)) return;
  });
}

async function tell(
  connect: (signal: AbortSignal) => Promise<PeerClient>,
  checks: ReadonlyMap<number, boolean>,
  signal: AbortSignal,
): Promise<boolean> {
  let client: PeerClient | undefined;
  try {
    client = await connect(signal);
    for (const [round, found] of checks) {
      const report = { round, found: found ? 1 : 0, missing: found ? 0 : 1 };
      await untilAborted(client.reportChecks(report), signal);
    }
    return true;
  } catch (error) {
    // A count that lacks this one is no loss to the voter.
    if (isForeseen(error)) return false;
    throw error;
  } finally {
    await client?.close();
  }
}
