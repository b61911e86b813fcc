import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { publicKeyOf } from '#src/crypto/signature.js';
import { encodeSignedBallot, signBallot } from '#src/election/ballot.js';
import { origin } from '#src/log/checkpoint.js';
import { checkReceipt, parseReceipt } from '#src/log/receipt.js';
import { ElectionNode } from '#src/services/election-node.js';
import { EnrolmentDesk } from '#src/services/enrolment-desk.js';
import { PeerRefusal, type Store } from '#src/services/ports.js';
import { AUTHORITY, TempElection, testSeed } from '../support/temp-election.ts';
import { witnessDesk } from '../support/witness.ts';

const refusal = (code: string) => (error: unknown) => error instanceof PeerRefusal && error.code === code;

function checked(election: TempElection, text: string) {
  const receipt = parseReceipt(text);
  assert.ok(receipt.ok);
  const entry = receipt.value.extra;
  assert.ok(entry);
  const key = { origin: origin(election.log.electionId), publicKey: publicKeyOf(AUTHORITY), entry };
  assert.deepEqual(checkReceipt(receipt.value, key), { ok: true, value: undefined });
  return receipt.value;
}

describe('the polling station', () => {
  it('answers a ballot with a receipt that proves it is in the log', async (t) => {
    const election = await TempElection.create(t);
    await election.organiser.open();
    const receipt = checked(election, await election.station().cast(election.ballot(0, [[1]])));
    assert.deepEqual(receipt.extra, await election.log.store.entry(receipt.index));
    assert.deepEqual(election.log.turnout, { ballots: 1, voted: 1 });
  });

  it('gives the same ballot the same receipt: at once, later, and after a restart', async (t) => {
    const election = await TempElection.create(t);
    await election.organiser.open();
    const station = election.station();
    const ballot = election.ballot(0, [[1]]);
    const [first, second] = await Promise.all([station.cast(ballot), station.cast(ballot)]);
    await station.cast(election.ballot(1, [[0]]));
    const third = await station.cast(ballot);
    await election.reopen();
    const fourth = await election.station().cast(ballot);
    assert.deepEqual([second, third, fourth], [first, first, first]);
    assert.equal(election.log.turnout.ballots, 2);
  });

  it('shares one commit among the ballots that wait for it', async (t) => {
    const election = await TempElection.create(t, { voters: 60 });
    await election.organiser.open();
    const station = election.station();
    const before = election.log.head.size;
    const receipts = await Promise.all(
      Array.from({ length: 60 }, (_, index) => station.cast(election.ballot(index, [[index % 3]]))),
    );
    const indexes = receipts.map((text) => checked(election, text).index).sort((a, b) => a - b);
    assert.deepEqual(
      indexes,
      Array.from({ length: 60 }, (_, index) => before + index),
    );
    const checkpoints: string[] = [];
    for await (const text of election.log.store.checkpoints(before + 1)) checkpoints.push(text);
    assert.ok(checkpoints.length < 60, `${checkpoints.length} commits for 60 ballots`);
  });

  it('takes two different ballots of one voter, sent at once, one after the other', async (t) => {
    const election = await TempElection.create(t);
    await election.organiser.open();
    const station = election.station();
    const outcomes = await Promise.allSettled([
      station.cast(election.ballot(0, [[1]], 1)),
      station.cast(election.ballot(0, [[2]], 1)),
      station.cast(election.ballot(0, [[0]], 2)),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    assert.deepEqual(election.log.turnout, { ballots: 2, voted: 1 });
    const { result } = await election.organiser.close();
    assert.deepEqual(result?.entry.questions[0]?.answers, [1, 0, 0]);
    assert.equal(result.entry.turnout.ballots, 2);
  });

  it('refuses with a code, and logs nothing of it', async (t) => {
    const election = await TempElection.create(t, { policy: { revote: 'never' } });
    const station = election.station();
    await election.organiser.open();
    await station.cast(election.ballot(0, [[1]]));
    const size = election.log.head.size;
    const round = election.log.state.round?.cid;
    assert.ok(round);
    const signed = signBallot({ form: 'open', round, number: 1, choices: [[1]] }, testSeed(1));
    const badSignature = encodeSignedBallot({
      ...signed,
      signature: signed.signature.map((byte) => byte ^ 1),
    });
    const stranger = encodeSignedBallot(
      signBallot({ form: 'open', round, number: 1, choices: [[1]] }, testSeed(99)),
    );
    const cases: readonly (readonly [string, Uint8Array])[] = [
      ['malformed', Uint8Array.of(1, 2, 3)],
      ['too-large', new Uint8Array(1_000_000)],
      // No larger than a ballot may be, yet larger than any vote on these questions: not worth decoding.
      ['too-large', election.ballot(1, [Array.from({ length: 1000 }, (_, answer) => answer)])],
      ['malformed', election.ballot(1, [[0, 1]])],
      ['malformed', election.ballot(1, [[9]])],
      ['malformed', election.ballot(1, [[]])],
      ['malformed', election.ballot(1, [[0]], 5)],
      ['unknown-voter', stranger],
      ['bad-signature', badSignature],
      ['already-voted', election.ballot(0, [[2]])],
      ['already-voted', election.ballot(0, [[2]], 2)],
    ];
    for (const [code, bytes] of cases) await assert.rejects(station.cast(bytes), refusal(code), code);
    assert.equal(election.log.head.size, size);
    const refused = election.events.filter(({ type }) => type === 'ballot-refused');
    assert.equal(refused.length, cases.length);
  });

  it('refuses before the opening, from the closing time on, and after the close', async (t) => {
    const election = await TempElection.create(t, { draft: { closes: 2_000_000 } });
    const station = election.station();
    const early = encodeSignedBallot(
      signBallot(
        { form: 'open', round: election.log.head.cid ?? assert.fail(), number: 1, choices: [[0]] },
        testSeed(0),
      ),
    );
    await assert.rejects(station.cast(early), refusal('not-open'));
    await election.organiser.open();
    election.now = 1_999_999;
    await station.cast(election.ballot(0, [[0]]));
    election.now = 2_000_000;
    await assert.rejects(station.cast(election.ballot(1, [[0]])), refusal('closed'));
    await election.organiser.close();
    await assert.rejects(station.cast(election.ballot(1, [[0]])), refusal('closed'));
  });

  it('still gives the receipt of a ballot that was cast in time, after the close', async (t) => {
    const election = await TempElection.create(t);
    await election.organiser.open();
    const ballot = election.ballot(0, [[0]]);
    const receipt = await election.station().cast(ballot);
    await election.organiser.close();
    assert.equal(await election.station().cast(ballot), receipt);
  });

  it('keeps the log’s time, and says so, when the clock is set back', async (t) => {
    const election = await TempElection.create(t, { draft: { closes: 2_000_000 } });
    await election.organiser.open();
    const station = election.station();
    election.now = 1_500_000;
    await station.cast(election.ballot(0, [[0]]));
    election.now = 10;
    await station.cast(election.ballot(1, [[0]]));
    await station.cast(election.ballot(2, [[0]]));
    assert.equal(election.log.head.time, 1_500_000);
    const warnings = election.events.filter(({ type }) => type === 'clock-behind');
    assert.equal(warnings.length, 1);
  });

  it('finishes what it admitted before it stops, and takes nothing more', async (t) => {
    const election = await TempElection.create(t);
    await election.organiser.open();
    const station = election.station();
    const cast = station.cast(election.ballot(0, [[0]]));
    const stopped = station.stop();
    await assert.doesNotReject(cast);
    await stopped;
    await assert.rejects(station.cast(election.ballot(1, [[0]])), refusal('busy'));
  });

  it('acknowledges nothing that was not written, and goes on when the disk can be written again', async (t) => {
    let failing = false;
    const wrapStore = (store: Store): Store =>
      new Proxy(store, {
        get(target, property) {
          if (property === 'commit' && failing) return () => Promise.reject(new Error('no space left'));
          const value: unknown = Reflect.get(target, property);
          return typeof value === 'function'
            ? (value as (...args: unknown[]) => unknown).bind(target)
            : value;
        },
      });
    const election = await TempElection.create(t, { wrapStore });
    await election.organiser.open();
    const station = election.station();
    const kept = await station.cast(election.ballot(0, [[0]]));
    failing = true;
    await assert.rejects(station.cast(election.ballot(1, [[0]])), refusal('busy'));
    await assert.rejects(station.cast(election.ballot(2, [[0]])), refusal('busy'));
    const node = new ElectionNode(
      election.log,
      {
        station,
        enrolments: new EnrolmentDesk(election.log, () => undefined),
        trustees: election.trusteeDesk(),
        witness: witnessDesk(election.log),
      },
      () => election.now,
    );
    await assert.rejects(node.info(), refusal('busy'));
    failing = false;
    await election.log.resume();
    await assert.doesNotReject(node.info());
    await station.cast(election.ballot(1, [[0]]));
    assert.equal(await station.cast(election.ballot(0, [[0]])), kept);
    assert.deepEqual(election.log.turnout, { ballots: 2, voted: 2 });
    const types = election.events.map(({ type }) => type);
    assert.ok(types.includes('store-suspended') && types.includes('store-resumed'));
  });
});
