import assert from 'node:assert/strict';
import { type TestContext, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { sha256 } from '#src/crypto/hash.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import { encodeSignedBallot, signBallot, trackerOfHash } from '#src/election/ballot.js';
import { origin } from '#src/log/checkpoint.js';
import { openPromise } from '#src/log/promise.js';
import { parseReceipt } from '#src/log/receipt.js';
import { Caretaker } from '#src/services/caretaker.js';
import type { Organiser } from '#src/services/organiser.js';
import { PollingStation } from '#src/services/polling-station.js';
import { PeerRefusal } from '#src/services/ports.js';
import { CommitGate } from '../support/held-store.ts';
import { valueOf } from '../support/results.ts';
import {
  AUTHORITY,
  QUESTION,
  TempElection,
  type TempElectionOptions,
  testSeed,
} from '../support/temp-election.ts';

const refusal = (code: string) => (error: unknown) => error instanceof PeerRefusal && error.code === code;
const MINUTE = 60_000;
/** How long before a scheduled closing there are no promises. */
const MARGIN = 5_000;

interface Polls {
  readonly election: TempElection;
  readonly station: PollingStation;
  /** Closes as in the running program: by way of the station. */
  readonly organiser: Organiser;
  readonly gate: CommitGate;
}

async function open(t: TestContext, options: TempElectionOptions = {}): Promise<Polls> {
  const gate = new CommitGate();
  const election = await TempElection.create(t, { ...options, wrapStore: gate.wrap });
  const { organiser } = election;
  const station = election.station();
  organiser.closeSettled((close) => station.settled(close));
  await organiser.open();
  return { election, station, organiser, gate };
}

/** A ballot that is being cast, with the promises that were given for it so far. */
interface Casting {
  readonly bytes: Uint8Array;
  readonly promises: readonly string[];
  readonly receipt: Promise<string>;
  /** Resolves with the first promise. */
  readonly promised: Promise<void>;
}

function cast(station: PollingStation, bytes: Uint8Array): Casting {
  const promises: string[] = [];
  let tell: () => void = () => undefined;
  const promised = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const receipt = station.cast(bytes, (text) => {
    promises.push(text);
    tell();
  });
  // Where a refusal is expected, it is looked at later.
  receipt.catch(() => undefined);
  return { bytes, promises, receipt, promised };
}

function opened({ log }: TempElection, text: string | undefined) {
  return valueOf(
    openPromise(text ?? '', { origin: origin(log.electionId), publicKey: publicKeyOf(AUTHORITY) }),
  );
}

async function isInLog({ log }: TempElection, bytes: Uint8Array): Promise<boolean> {
  const seq = await log.store.ballotSeq(trackerOfHash(sha256(bytes)));
  return seq !== undefined;
}

describe('a promise', () => {
  it('is given before the ballot is on disk, for that ballot, and is kept', async (t) => {
    const { election, station, gate } = await open(t);
    const before = election.log.head.size;
    gate.hold();
    const casting = cast(station, election.ballot(0, [[1]]));
    await casting.promised;
    await gate.reached();
    assert.equal(election.log.head.size, before);
    assert.equal(await isInLog(election, casting.bytes), false);
    const { ballotHash, by } = opened(election, casting.promises[0]);
    assert.deepEqual(ballotHash, sha256(casting.bytes));
    assert.equal(by, election.now + MINUTE);
    gate.release();
    assert.equal(valueOf(parseReceipt(await casting.receipt)).index, before);
    assert.equal(casting.promises.length, 1);
  });

  it('counts from the log’s time where the machine’s clock is behind it', async (t) => {
    const { election, station } = await open(t);
    await station.cast(election.ballot(0, [[1]]));
    const { now } = election;
    election.now = 10;
    const casting = cast(station, election.ballot(1, [[1]]));
    await casting.receipt;
    assert.equal(opened(election, casting.promises[0]).by, now + MINUTE);
  });

  it('is given to everybody who sends the same ballot while it is under way', async (t) => {
    const { election, station, gate } = await open(t);
    gate.hold();
    const ballot = election.ballot(0, [[1]]);
    const [first, second] = [cast(station, ballot), cast(station, ballot)];
    await Promise.all([first.promised, second.promised]);
    await gate.reached();
    const late = cast(station, ballot);
    await late.promised;
    assert.equal(first.promises.length, 1);
    assert.deepEqual([second.promises, late.promises], [first.promises, first.promises]);
    gate.release();
    const receipt = await first.receipt;
    assert.deepEqual([await second.receipt, await late.receipt], [receipt, receipt]);
    assert.equal(election.log.turnout.ballots, 1);
  });

  it('is not given for a ballot that is in the log, nor for one that is refused', async (t) => {
    const { election, station } = await open(t);
    const first = cast(station, election.ballot(0, [[1]]));
    const receipt = await first.receipt;
    const again = cast(station, first.bytes);
    assert.equal(await again.receipt, receipt);
    assert.deepEqual(again.promises, []);

    const round = election.log.state.round?.cid ?? assert.fail();
    const signed = signBallot({ form: 'open', round, number: 1, choices: [[1]] }, testSeed(1));
    const forged = { ...signed, signature: signed.signature.map((byte) => byte ^ 1) };
    const stranger = signBallot({ form: 'open', round, number: 1, choices: [[1]] }, testSeed(99));
    for (const [code, bytes] of [
      ['bad-signature', encodeSignedBallot(forged)],
      ['unknown-voter', encodeSignedBallot(stranger)],
      ['already-voted', election.ballot(0, [[2]])],
      ['malformed', election.ballot(1, [[9]])],
      ['malformed', Uint8Array.of(1, 2, 3)],
    ] as const) {
      const refused = cast(station, bytes);
      await assert.rejects(refused.receipt, refusal(code));
      assert.deepEqual(refused.promises, [], code);
    }
  });

  it('is for a time before the round closes by its schedule, and not given shortly before that', async (t) => {
    const closes = 2_000_000;
    const { election, station } = await open(t, { voters: 6, draft: { closes } });
    for (const [voter, left, by] of [
      [0, 2 * MINUTE, closes - MINUTE],
      [1, MINUTE, closes - 1],
      [2, MARGIN + 1, closes - 1],
      [3, MARGIN, undefined],
      [4, 1, undefined],
    ] as const) {
      election.now = closes - left;
      const casting = cast(station, election.ballot(voter, [[0]]));
      await casting.receipt;
      const promise = casting.promises[0];
      assert.equal(promise === undefined ? undefined : opened(election, promise).by, by, `${left} ms before`);
    }
    election.now = closes;
    const late = cast(station, election.ballot(5, [[0]]));
    await assert.rejects(late.receipt, refusal('closed'));
    assert.deepEqual(late.promises, []);
  });

  it('is kept once the disk that failed can be written again, though the ballot is not sent again', async (t) => {
    const { election, station, gate } = await open(t);
    gate.hold();
    const casting = cast(station, election.ballot(0, [[1]]));
    await casting.promised;
    await gate.reached();
    gate.fail();
    await assert.rejects(casting.receipt, refusal('busy'));
    assert.equal(await isInLog(election, casting.bytes), false);
    // Nothing is promised while nothing can be written.
    const meanwhile = cast(station, casting.bytes);
    await assert.rejects(meanwhile.receipt, refusal('busy'));
    assert.deepEqual(meanwhile.promises, []);

    gate.mend();
    const { log } = election;
    const grown = new Promise<void>((resolve) => {
      log.onGrowth(() => {
        if (log.turnout.ballots > 0) resolve();
      });
    });
    await log.resume();
    await grown;
    assert.equal(await isInLog(election, casting.bytes), true);
    // Sent again, it gets its receipt.
    const receipt = await station.cast(casting.bytes);
    assert.equal(valueOf(parseReceipt(receipt)).index, log.head.size - 1);
    assert.equal(log.turnout.ballots, 1);
  });

  it('is kept where the disk fails more than once, and before the round is closed', async (t) => {
    const { election, station, organiser, gate } = await open(t);
    gate.hold();
    const castings = [0, 1, 2].map((voter) => cast(station, election.ballot(voter, [[voter]])));
    await Promise.all(castings.map(({ promised }) => promised));
    await gate.reached();
    gate.fail();
    for (const { receipt } of castings) await assert.rejects(receipt, refusal('busy'));
    await election.log.resume();
    // It goes on failing: nothing can be closed.
    await assert.rejects(organiser.close());
    gate.mend();
    await election.log.resume();
    const { result } = await organiser.close();
    assert.equal(result?.entry.turnout.ballots, 3);
    for (const { bytes } of castings) assert.equal(await isInLog(election, bytes), true);
  });

  it('gives way to another ballot that its voter cast instead', async (t) => {
    const { election, station, organiser, gate } = await open(t, { policy: { revote: 'never' } });
    gate.hold();
    const casting = cast(station, election.ballot(0, [[1]]));
    await casting.promised;
    await gate.reached();
    gate.fail();
    await assert.rejects(casting.receipt, refusal('busy'));
    gate.mend();
    const other = election.ballot(0, [[2]]);
    // It is sent in the moment in which the log goes on, before anything else can be.
    const first = new Promise<string>((resolve, reject) => {
      const stop = election.log.onGrowth(() => {
        stop();
        station.cast(other).then(resolve, reject);
      });
    });
    await election.log.resume();
    const outcome = await first.catch((error: unknown) => error);
    const { result } = await organiser.close();
    assert.equal(result?.entry.turnout.ballots, 1);
    // Whichever came first, the other is refused.
    assert.equal(await isInLog(election, casting.bytes), outcome instanceof PeerRefusal);
  });
});

describe('closing a round', () => {
  it('by hand waits for the ballots that were promised, and takes no other in', async (t) => {
    const { election, station, organiser, gate } = await open(t, { voters: 9 });
    gate.hold();
    // The first is being written, the second is placed behind it, the others wait for both.
    const castings: Casting[] = [];
    for (let voter = 0; voter < 8; voter++) {
      const casting = cast(station, election.ballot(voter, [[voter % 3]]));
      await casting.promised;
      castings.push(casting);
    }
    const closing = organiser.close();
    const newcomer = election.ballot(8, [[0]]);
    await assert.rejects(
      station.cast(newcomer),
      (error) => refusal('busy')(error) && (error as PeerRefusal).retryAfter === 500,
    );
    await gate.reached();
    assert.equal(election.log.state.phase, 'open');
    gate.release();
    await Promise.all(castings.map(({ receipt }) => receipt));
    const { result } = await closing;
    assert.equal(result?.entry.turnout.ballots, 8);
    assert.deepEqual(result.entry.questions[0]?.answers, [1 + 4 + 7, 2 + 5 + 8, 3 + 6]);
    await assert.rejects(station.cast(newcomer), refusal('closed'));
  });

  it('promises nothing to a ballot that was being checked meanwhile', async (t) => {
    const { election } = await open(t);
    const { organiser } = election;
    let letGo: (valid: boolean) => void = () => undefined;
    let asked: () => void = () => undefined;
    const checking = () =>
      new Promise<void>((resolve) => {
        asked = resolve;
      });
    const verify = () => {
      asked();
      return new Promise<boolean>((resolve) => {
        letGo = resolve;
      });
    };
    const station = new PollingStation(election.log, () => undefined, {
      verifier: { verify, close: () => Promise.resolve() },
    });
    organiser.closeSettled((close) => station.settled(close));

    const begun = checking();
    const during = cast(station, election.ballot(0, [[0]]));
    await begun;
    await station.settled(async () => {
      letGo(true);
      await assert.rejects(during.receipt, refusal('busy'));
    });

    const begunAgain = checking();
    const after = cast(station, election.ballot(0, [[0]]));
    await begunAgain;
    await organiser.close();
    letGo(true);
    await assert.rejects(after.receipt, refusal('closed'));
    assert.deepEqual([during.promises, after.promises], [[], []]);
    assert.equal(election.log.turnout.ballots, 0);
  });

  it('by the schedule waits for them, too', async (t) => {
    const closes = 2_000_000;
    const { election, station, organiser, gate } = await open(t, { draft: { closes } });
    const { log } = election;
    const caretaker = new Caretaker({
      log,
      organiser,
      clock: { now: () => election.now },
      onEvent: (event) => election.events.push(event),
      askTrusteesEvery: MINUTE,
    });
    election.now = closes - MARGIN - 1;
    gate.hold();
    const casting = cast(station, election.ballot(0, [[0]]));
    await casting.promised;
    await gate.reached();
    election.now = closes;
    const tick = caretaker.tick();
    gate.release();
    await tick;
    await casting.receipt;
    assert.equal(log.state.round?.close?.reason, 'schedule');
    assert.equal(log.turnout.ballots, 1);
  });

  it('leaves a promise broken only where the disk stood still until the closing time was past', async (t) => {
    const closes = 2_000_000;
    const { election, station, gate } = await open(t, { voters: 4, draft: { closes } });
    election.now = closes - MARGIN - 1;
    gate.hold();
    const castings: Casting[] = [];
    for (let voter = 0; voter < 4; voter++) {
      const casting = cast(station, election.ballot(voter, [[0]]));
      await casting.promised;
      castings.push(casting);
    }
    await gate.reached();
    election.now = closes;
    gate.release();
    const outcomes = await Promise.allSettled(castings.map(({ receipt }) => receipt));
    const refused = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
    // Those that had their place in the log before are in it; no entry gets a time that is not true.
    assert.ok(refused.length > 0 && refused.length < 4, `${refused.length} of 4 refused`);
    assert.ok(refused.every(refusal('closed')));
    for (const [index, { bytes }] of castings.entries())
      assert.equal(await isInLog(election, bytes), outcomes[index]?.status === 'fulfilled');
    assert.ok(election.log.head.time < closes);
  });

  it('lets ballots in again where it failed', async (t) => {
    const { election, station, organiser, gate } = await open(t);
    gate.hold();
    const closing = organiser.close();
    await gate.reached();
    gate.fail();
    await assert.rejects(closing, /no space left/);
    await assert.rejects(station.cast(election.ballot(0, [[0]])), refusal('busy'));
    gate.mend();
    await election.log.resume();
    await station.cast(election.ballot(0, [[0]]));
    await Promise.all([organiser.close(), assert.rejects(organiser.close(), { code: 'not-open' })]);
    assert.equal(election.log.turnout.ballots, 1);
  });

  it('keeps every promise, whenever it comes among ballots', async (t) => {
    const voters = 30;
    const { election, station, organiser } = await open(t, { voters });
    const delays = fc.array(fc.nat(40), { minLength: voters, maxLength: voters });
    let promised = 0;
    await fc.assert(
      fc.asyncProperty(delays, fc.nat(40), async (delaysOf, closeAfter) => {
        const castings: Casting[] = [];
        const casting = delaysOf.map(async (turns, voter) => {
          await afterTurns(turns);
          castings.push(cast(station, election.ballot(voter, [[0]])));
        });
        await afterTurns(closeAfter);
        await organiser.close();
        await Promise.all(casting);
        await Promise.allSettled(castings.map(({ receipt }) => receipt));
        for (const { promises, bytes } of castings) {
          assert.ok(promises.length <= 1);
          promised += promises.length;
          assert.equal(await isInLog(election, bytes), promises.length === 1);
        }
        await organiser.prepare({ title: 'Next', questions: [QUESTION], opens: null, closes: null });
        await organiser.open();
      }),
      { numRuns: 25 },
    );
    assert.ok(promised > 0);
  });
});

async function afterTurns(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}
