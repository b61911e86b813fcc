import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { runVerifyLog } from '#src/cli/verify-log.js';
import { judgeEvidence, parseEvidence } from '#src/log/evidence.js';
import { type DialledPeer, dialPeer, parseDialTarget } from '#src/net/index.js';
import { enrolKey } from '#src/services/enrolling.js';
import { type ExchangeAnswer, PeerRefusal } from '#src/services/ports.js';
import { castBallot, findVoter, meetElection, prepareBallot } from '#src/services/voter-session.js';
import { verifyReceipt } from '#src/services/receipt-check.js';
import type { Snapshot } from '#src/store/level-source.js';
import { capturedIo } from '../support/captured-io.ts';
import { cleanUp } from '../support/cleanup.ts';
import { KeptCopy } from '../support/kept-copy.ts';
import { VOTES, entriesOf, evidenceIn, lose, restore, snapshotOf, twinOf } from '../support/lost-election.ts';
import { jsonLines } from '../support/processes.ts';
import { testSeed } from '../support/temp-election.ts';
import { trustee } from '../support/trustee-program.ts';
import { AdminPlace } from './admin-support.ts';
import { LISTEN, openPolls } from './open-polls.ts';

interface Restored {
  readonly place: AdminPlace;
  /** As it was before it was lost, and as it went on elsewhere. */
  readonly log: Snapshot;
  readonly kept: KeptCopy;
  /** What the observer answers from now on, in the place of the truth. */
  readonly answers: { by?: (given: Parameters<KeptCopy['desk']['exchange']>[0]) => Promise<ExchangeAnswer> };
}

/** An election that was lost, and restored from an observer. */
async function restoredElection(
  t: TestContext,
  prepare = AdminPlace.withElection(t, '--open'),
  votes: Parameters<AdminPlace['cast']> = [...VOTES],
): Promise<Restored> {
  const place = await prepare;
  await place.cast(...votes);
  const log = await snapshotOf(t, place);
  await lose(place);
  const answers: Restored['answers'] = {};
  const kept = await KeptCopy.start(t, log, {
    misbehave: (service) => ({ exchange: (given) => (answers.by ?? service.exchange.bind(service))(given) }),
  });
  const ran = await restore(place, [kept.address]);
  assert.equal(ran.code, 0, ran.err);
  return { place, log, kept, answers };
}

/** Runs admin to its end: it must refuse to start. */
async function refusedStart(
  place: AdminPlace,
  [code, exit]: readonly [string, number],
  ...options: string[]
) {
  const ran = await place.admin('--json', ...LISTEN, ...options);
  const error = jsonLines(ran.out).find((line) => 'error' in line)?.['error'] as
    Record<string, string> | undefined;
  assert.deepEqual({ code: error?.['code'], exit: ran.code }, { code, exit }, ran.err);
  return `${error?.['message'] ?? ''}\n${error?.['hint'] ?? ''}`;
}

async function isUnconfirmed(place: AdminPlace): Promise<boolean> {
  return place.read('election/unconfirmed.json').then(
    () => true,
    () => false,
  );
}

async function lengthOf(t: TestContext, place: AdminPlace): Promise<number> {
  return (await entriesOf(await snapshotOf(t, place))).length;
}

async function dial(t: TestContext, address: string): Promise<DialledPeer> {
  const client = await dialPeer(parseDialTarget(address), { retries: 0 });
  cleanUp(t, () => client.close());
  return client;
}

/** Votes as the voter's program does. */
async function vote(client: DialledPeer, voter: number, choice: readonly number[], seed = testSeed(voter)) {
  const election = await meetElection(client);
  const record = await findVoter(client, election, { seed });
  return castBallot(client, election, prepareBallot(election, { seed, record }, [choice]));
}

describe('an election that was restored', () => {
  it('is compared with what observers have before anything is added', async (t) => {
    const { place, kept } = await restoredElection(t);
    for (const command of [['close'], ['trustees', 'call']]) {
      const { code, out } = await place.admin(...command, '--json');
      assert.equal(code, 2);
      assert.match(out, /"code":"unconfirmed"/);
    }
    assert.equal((await place.admin('status')).code, 0);
    const polls = await openPolls(t, place);
    assert.deepEqual(polls.event('history-confirmed'), {
      event: 'history-confirmed',
      observers: 1,
      entries: kept.copy.head.size,
    });
    assert.equal(await isUnconfirmed(place), false);
    const client = await dial(t, polls.address);
    await vote(client, 4, [0]);
    polls.io.interrupt();
    await polls.ended;
    // Once is enough.
    await kept.hangUp();
    const again = await openPolls(t, place);
    assert.equal(again.event('history-confirmed'), undefined);
  });

  it('gives receipts for ballots that were cast before, and those from before verify', async (t) => {
    const before = await AdminPlace.withElection(t, '--open');
    const polls = await openPolls(t, before);
    const early = await vote(await dial(t, polls.address), 4, [2]);
    polls.io.interrupt();
    await polls.ended;
    const { place } = await restoredElection(t, Promise.resolve(before));
    const client = await dial(t, (await openPolls(t, place)).address);
    const election = await meetElection(client);
    const again = await castBallot(client, election, early);
    assert.equal(again.receipt.index, early.receipt.index);
    for (const { receipt } of [early, again]) {
      const verdict = await verifyReceipt(client, receipt.text, election);
      assert.equal(verdict.tracker, early.tracker);
    }
  });

  it('does not start while an observer has more, or had', async (t) => {
    const { place, kept, answers } = await restoredElection(t);
    const size = await lengthOf(t, place);
    const longer = await twinOf(t, place);
    await longer.cast([4, [0]]);
    const more = await KeptCopy.start(t, await snapshotOf(t, longer), { key: 1 });
    answers.by = (given) => more.desk.exchange(given);
    const message = await refusedStart(place, ['history-incomplete', 1]);
    assert.match(
      message,
      new RegExp(`hold a checkpoint of ${size + 1} entries, .* this log has ${size}; going on`),
    );
    assert.match(message, /Restore the log from observers into another folder/);
    // What was heard once is not forgotten when nobody is there to say it again.
    await kept.hangUp();
    await refusedStart(place, ['history-incomplete', 1], '--trust-copy');
    assert.equal(await lengthOf(t, place), size, 'nothing was added');
    // Another folder with what the observer has is as good as the first one would have been.
    const elsewhere = ['--data', place.path('again')];
    assert.equal((await restore(place, [more.address], ...elsewhere)).code, 0);
    const polls = await openPolls(t, place, ...elsewhere, ...LISTEN);
    assert.equal(polls.event('history-confirmed')?.['entries'], size + 1);
  });

  it('does not start where an observer has another history, longer or not', async (t) => {
    for (const more of [0, 1]) {
      const { place, answers } = await restoredElection(t, undefined, [[0, [0]]]);
      // Somebody took the copy for the whole log, and went on with it.
      const twin = await twinOf(t, place);
      await twin.cast([4, [0]]);
      if (more > 0) await twin.cast([3, [0]]);
      await place.cast([4, [1]]);
      const other = await KeptCopy.start(t, await snapshotOf(t, twin), { key: 1 });
      answers.by = (given) => other.desk.exchange(given);
      const message = await refusedStart(place, ['log-conflict', 1]);
      assert.match(message, /signed two histories/);
      assert.match(message, /election\/alarms\/fork-/);
      const [text = ''] = await evidenceIn(place.data);
      const evidence = parseEvidence(text);
      assert.ok(evidence.ok);
      assert.ok(judgeEvidence(evidence.value).ok);
      await other.close();
      await refusedStart(place, ['log-conflict', 1], '--trust-copy');
    }
  });

  it('does not start where nobody answers, unless the copy is to be trusted', async (t) => {
    const { place, kept } = await restoredElection(t);
    await kept.hangUp();
    const message = await refusedStart(place, ['no-observer', 3]);
    assert.match(message, /--trust-copy/);
    assert.equal(await isUnconfirmed(place), true);
    const polls = await openPolls(t, place, ...LISTEN, '--trust-copy');
    assert.match(polls.io.err(), /taken for whole, as you said/);
    assert.equal(await isUnconfirmed(place), false);
    polls.io.interrupt();
    await polls.ended;
    await lose(place);
    // From a file nobody is known who could be asked.
    assert.equal((await restore(place, [kept.folder])).code, 0);
    assert.match(await refusedStart(place, ['no-observer', 3]), /restored from a file/);
  });

  it('says so when what it should be compared with can’t be read, and ends on Ctrl-C while it asks', async (t) => {
    const { place, answers } = await restoredElection(t);
    const unconfirmed = await place.read('election/unconfirmed.json');
    await place.file('election/unconfirmed.json', '{}');
    await refusedStart(place, ['bad-unconfirmed', 2]);
    await place.file('election/unconfirmed.json', unconfirmed);
    const io = capturedIo();
    const asked = new Promise<void>((resolve) => {
      answers.by = () => {
        resolve();
        return new Promise((_, reject) => {
          io.signal.addEventListener('abort', () => {
            reject(new PeerRefusal('busy', 'Too late.'));
          });
        });
      };
    });
    const ended = place.adminOn(io, '--json', ...LISTEN);
    await asked;
    io.interrupt();
    const { code, out } = await ended;
    assert.equal(code, 1);
    assert.match(out, /"code":"interrupted"/);
    assert.equal(await isUnconfirmed(place), true);
  });

  it('is counted, where its ballots are sealed', async (t) => {
    const { place } = await restoredElection(t, AdminPlace.withElection(t, '--secrecy', 'sealed', '--open'));
    const polls = await openPolls(t, place);
    await vote(await dial(t, polls.address), 4, [0]);
    const closed = await place.admin('close');
    assert.equal(closed.code, 0, closed.err);
    assert.match(closed.out, /Most votes: a\./);
    assert.match(closed.out, /Turnout: 5 of 5 voters/);
    const car = place.path('log.car');
    assert.equal((await place.admin('export', '--car', car)).code, 0);
    const audit = capturedIo();
    assert.equal(await runVerifyLog([car], audit), 0, audit.out());
  });

  it('goes on with a key ceremony, and keeps own keys', async (t) => {
    const who = ['--secrecy', 'sealed', '--invite', 'Ana', '--invite', 'Ben', '--threshold', '2'];
    const place = await AdminPlace.withElection(t, ...who);
    // What trustees were given is theirs.
    await cp(join(place.data, 'invitations'), place.path('invitations'), { recursive: true });
    const before = await openPolls(t, place);
    const join1 = (address: string, number: number) =>
      trustee(
        ...['join', '--dial', address, '--once', '--key', place.path(`${number}.key`), '--no-passphrase'],
        ...['--invitation-file', place.path(`invitations/trustee-${number}.txt`)],
      );
    assert.equal((await join1(before.address, 1)).code, 0);
    const client = await dial(t, before.address);
    const election = await meetElection(client);
    const own = testSeed(100);
    const enrolled = await enrolKey(client, election, { old: testSeed(0), own });
    before.io.interrupt();
    await before.ended;

    const log = await snapshotOf(t, place);
    await lose(place);
    const kept = await KeptCopy.start(t, log);
    const ran = await restore(place, [kept.address]);
    assert.equal(ran.code, 0, ran.err);
    assert.deepEqual(ran.lines.at(-1)?.['lost'], ['draft', 'credentials', 'checks', 'invitations']);
    const { address } = await openPolls(t, place);
    for (const number of [2, 1, 2, 1, 2, 1, 2]) {
      const joined = await join1(address, number);
      assert.equal(joined.code, 0, joined.err);
    }
    const again = await dial(t, address);
    assert.equal((await verifyReceipt(again, enrolled.receipt.text, election)).index, enrolled.receipt.index);
    const { receipt } = await enrolKey(again, election, { old: testSeed(0), own });
    assert.equal(receipt.index, enrolled.receipt.index);
    const candidates = ['--candidates', place.path('candidates.txt')];
    const opened = await place.admin('next-round', '--title', 'Board', ...candidates, '--open');
    assert.equal(opened.code, 0, opened.err);
    await assert.rejects(vote(again, 0, [0]), { code: 'unknown-voter' });
    await vote(again, 0, [0], own);
    for (const voter of [1, 2, 3, 4]) await vote(again, voter, [1]);
    assert.equal((await place.admin('close')).code, 0);
    for (const number of [1, 2]) assert.equal((await join1(address, number)).code, 0);
    const results = await place.admin('results');
    assert.match(results.out, /Most votes: b\./);
    assert.match(results.out, /Turnout: 5 of 5 voters/);
  });
});
