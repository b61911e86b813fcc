import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { runVerifyLog } from '#src/cli/verify-log.js';
import { runVoter } from '#src/cli/voter.js';
import { evidenceName } from '#src/cli/receipt-file.js';
import { sha256 } from '#src/crypto/hash.js';
import { trackerOfHash } from '#src/election/ballot.js';
import { origin } from '#src/log/checkpoint.js';
import { type JudgedEvidence, judgeEvidence, parseEvidence } from '#src/log/evidence.js';
import { signPromise } from '#src/log/promise.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import { type NodeService, PeerRefusal } from '#src/services/ports.js';
import { capturedIo } from '../support/captured-io.ts';
import { type PlaceOptions, PollingPlace } from '../support/polling-place.ts';
import { jsonLines } from '../support/processes.ts';
import { valueOf } from '../support/results.ts';
import { args, failed, run, voteAs } from '../support/run-voter.ts';
import { AUTHORITY, testSeed } from '../support/temp-election.ts';

const MINUTE = 60_000;

/** What an organiser's program that has given a promise does next. */
type AfterPromise = (ballot: Uint8Array, service: NodeService) => Promise<string>;

/** A polling place whose admin gives `promise` for each ballot, the real one unless given, and then does as it likes. */
async function promising(
  t: TestContext,
  then: AfterPromise,
  promise: (place: PollingPlace, ballot: Uint8Array) => string | undefined = good,
  options: PlaceOptions = {},
): Promise<PollingPlace> {
  const place: PollingPlace = await PollingPlace.start(t, {
    voters: 2,
    ...options,
    misbehave: (service) => ({
      cast: (ballot, onPromise) => {
        onPromise?.(promise(place, ballot) ?? '');
        return then(ballot, service);
      },
    }),
  });
  return place;
}

const good = ({ log }: PollingPlace, ballot: Uint8Array) => log.promise(sha256(ballot), Date.now() + MINUTE);
const drops: AfterPromise = () => Promise.reject(new PeerRefusal('internal', 'The node failed to answer.'));
const casts: AfterPromise = (ballot, service) => service.cast(ballot);

const evidenceIn = async ({ folder }: PollingPlace) =>
  (await readdir(folder)).filter((name) => name.endsWith('.evidence.json'));

/** What the only evidence file beside the receipts shows by itself. */
async function judged(place: PollingPlace): Promise<JudgedEvidence> {
  const [name = '', ...others] = await evidenceIn(place);
  assert.deepEqual(others, []);
  return valueOf(judgeEvidence(valueOf(parseEvidence(await readFile(join(place.folder, name), 'utf8')))));
}

describe('voter, where ballots are promised', () => {
  for (const secrecy of ['open', 'sealed'] as const) {
    it(`says by when an ${secrecy} ballot was promised, and keeps the receipt alone`, async (t) => {
      const place = await PollingPlace.start(t, { voters: 1, policy: { secrecy } });
      const before = Date.now();
      const ran = await voteAs(place, 0, ['b']);
      assert.equal(ran.code, 0, ran.err);
      const { promised, tracker } = ran.events['promised'] ?? {};
      assert.ok(typeof promised === 'number' && promised >= before + MINUTE, String(promised));
      assert.equal(ran.events['cast']?.['tracker'], tracker);
      assert.equal(ran.events['cast']?.['badPromise'], undefined);
      assert.deepEqual(await evidenceIn(place), []);
    });
  }

  it('saves the promise as evidence where the ballot was dropped after it', async (t) => {
    let sent: Uint8Array = new Uint8Array();
    const place = await promising(t, (ballot, service) => {
      sent = ballot;
      return drops(ballot, service);
    });
    const ran = await voteAs(place, 0, ['c']);
    failed(ran, 'no-answer', 3, place);
    const { finding, electionId } = await judged(place);
    assert.equal(electionId, place.log.electionId);
    assert.ok(finding.kind === 'promise');
    assert.deepEqual(finding.promise.ballotHash, sha256(sent));
    const [name = ''] = await evidenceIn(place);
    const path = join(place.folder, name);
    assert.equal(name, evidenceName(trackerOfHash(sha256(sent))));
    assert.equal((await stat(path)).mode & 0o077, 0);
    assert.deepEqual(ran.events['evidence'], {
      event: 'evidence',
      kind: 'promise',
      electionId,
      tracker: trackerOfHash(sha256(sent)),
      promised: finding.promise.by,
      file: path,
    });
    assert.match(ran.err, /may have been cast.*promised that the ballot will be in the log by .* saved in/);
    assert.match(ran.err, /voter\.js receipt[^]*verify-log\.js \/ip6\/\S+ --evidence \S+\.evidence\.json\n/);

    // The same ballot again, with the same end: an open one has the same bytes. The first promise is as good.
    const kept = await readFile(path, 'utf8');
    const again = await voteAs(place, 0, ['c']);
    failed(again, 'no-answer', 3, place);
    assert.ok(again.err.includes(`saved in ${path}`));
    assert.equal(await readFile(path, 'utf8'), kept);
    assert.equal((await evidenceIn(place)).length, 1);
  });

  it('saves what verify-log finds broken or kept, in the log as it is after the promised time', async (t) => {
    let [now, dropping] = [Date.now(), true];
    const place = await promising(
      t,
      (ballot, service) => (dropping ? drops(ballot, service) : service.cast(ballot)),
      good,
      { clock: { now: () => now } },
    );
    failed(await voteAs(place, 0, ['a']), 'no-answer', 3, place);
    const file = join(place.folder, (await evidenceIn(place))[0] ?? '');
    const verdict = async () => {
      const io = capturedIo();
      const code = await runVerifyLog([place.address, '--evidence', file, '--json'], io);
      return [jsonLines(io.out()).find(({ event }) => event === 'evidence')?.['verdict'], code];
    };
    assert.deepEqual(await verdict(), ['open', 0]);
    dropping = false;
    now += 2 * MINUTE;
    assert.equal((await voteAs(place, 1, ['b'])).code, 0);
    assert.deepEqual(await verdict(), ['proven', 1]);
    // Sent once more, the same ballot gets in at last: late, and kept.
    const late = await voteAs(place, 0, ['a']);
    assert.equal(late.code, 0, late.err);
    assert.deepEqual(await verdict(), ['kept', 0]);
  });

  it('saves it where the ballot was refused, or its receipt does not hold, and says that too', async (t) => {
    const refuses: AfterPromise = () => Promise.reject(new PeerRefusal('closed', 'Round 1 is closed.'));
    for (const [then, code] of [
      [refuses, 'closed'],
      [() => Promise.resolve('junk'), 'bad-receipt'],
    ] as const) {
      const place = await promising(t, then, good, { secrets: false });
      const argv = ['--dial', place.address, '--key-file', await place.keyFile(0), '--choose', 'a'];
      const ran = await run([...argv, '--yes', '--json', '--receipt', join(place.folder, 'r')]);
      failed(ran, code, 1, place);
      assert.equal((await judged(place)).finding.kind, 'promise');
      assert.match(ran.err, /promised that the ballot will be in the log/);
    }
  });

  it('saves it where the admin then says nothing, until the voter gives up', async (t) => {
    const place = await promising(t, () => new Promise(() => undefined), good, {
      deadlines: { stopMs: 20 },
    });
    const io = capturedIo();
    const running = runVoter(await args(place, 0, ['a'], 'r'), io);
    while (!io.out().includes('"promised"')) await once(io.stdout, 'captured');
    io.interrupt();
    assert.equal(await running, 1, io.err());
    assert.match(io.err(), /Interrupted[^]*may have been cast[^]*promised/);
    assert.equal((await judged(place)).finding.kind, 'promise');
  });

  it('needs none where the ballot, sent again, gets its receipt', async (t) => {
    let sent = 0;
    const place = await promising(t, (ballot, service) => {
      sent += 1;
      if (sent > 1) return service.cast(ballot);
      return Promise.reject(new PeerRefusal('busy', "The organiser's disk can't be written just now.", 10));
    });
    const argv = (await args(place, 0, ['a'], 'r')).map((word, at, all) =>
      all[at - 1] === '--wait' ? '30' : word,
    );
    const ran = await run(argv);
    assert.equal(ran.code, 0, ran.err);
    assert.equal(sent, 2);
    assert.deepEqual(await evidenceIn(place), []);
    assert.equal(place.log.turnout.ballots, 1);
  });

  it('prints the promise where it can not be saved, and still says how the casting ended', async (t) => {
    const place = await promising(t, async (ballot, service) => {
      await mkdir(join(place.folder, evidenceName(trackerOfHash(sha256(ballot)))));
      return drops(ballot, service);
    });
    const ran = await voteAs(place, 0, ['a']);
    failed(ran, 'no-answer', 3, place);
    const printed = /^\{\n[^]*?^\}\n/m.exec(ran.err)?.[0] ?? '';
    assert.match(printed, /^[\n\x20-\x7e]+$/);
    const { finding } = valueOf(judgeEvidence(valueOf(parseEvidence(printed))));
    assert.equal(finding.kind, 'promise');
    assert.match(ran.err, /printed above/);
    assert.equal(ran.events['evidence']?.['file'], null);
  });
});

describe('voter, where a promise does not hold', () => {
  const closing = () => ({ closes: Date.now() + 30 * MINUTE });
  const logKey = ({ log }: PollingPlace) => ({
    origin: origin(log.electionId),
    publicKey: log.genesis.authority,
  });
  const bad: Readonly<Record<string, (place: PollingPlace, ballot: Uint8Array) => string | undefined>> = {
    'is no promise': () => 'I promise',
    'is signed by somebody else': (place, ballot) =>
      signPromise(
        { ballotHash: sha256(ballot), by: Date.now() + MINUTE },
        { ...logKey(place), publicKey: publicKeyOf(testSeed(0)) },
        testSeed(0),
      ),
    'is of another election': (place, ballot) =>
      signPromise(
        { ballotHash: sha256(ballot), by: Date.now() + MINUTE },
        { ...logKey(place), origin: 'psephos/another' },
        AUTHORITY,
      ),
    'is about another ballot': ({ log }) => log.promise(new Uint8Array(32), Date.now() + MINUTE),
  };
  /** Signed for this ballot, and for a time at which it may be too late to find out. */
  const late: Readonly<Record<string, (place: PollingPlace, ballot: Uint8Array) => string | undefined>> = {
    'is for a time that nobody will wait for': ({ log }, ballot) =>
      log.promise(sha256(ballot), Date.now() + 2 * 60 * MINUTE),
    'is for the time at which the round closes': ({ log }, ballot) =>
      log.promise(sha256(ballot), log.state.round?.entry.closes ?? 0),
  };

  it('takes the ballot for cast by its receipt, and only says what was wrong', async (t) => {
    for (const [what, promise] of Object.entries({ ...bad, ...late })) {
      const place = await promising(t, casts, promise, { voters: 1, draft: closing() });
      const ran = await voteAs(place, 0, ['a']);
      assert.equal(ran.code, 0, `${what}: ${ran.err}`);
      assert.equal(ran.events['promised'] !== undefined, what in late);
      assert.equal(typeof ran.events['cast']?.['badPromise'], 'string', what);
      assert.match(ran.err, /Cast\. The receipt was checked[^]*cast all the same, but a promise/);
      assert.deepEqual(await evidenceIn(place), []);
    }
  });

  it('does not say that a ballot was refused, where no receipt came', async (t) => {
    for (const [what, promise] of Object.entries(bad)) {
      const place = await promising(t, drops, promise, { voters: 1 });
      const ran = await voteAs(place, 0, ['a']);
      failed(ran, 'bad-promise', 1, place);
      assert.match(ran.err, /No receipt came.*doesn't hold.*may have been cast[^]*voter\.js receipt/, what);
      assert.deepEqual(await evidenceIn(place), [], what);
    }
  });

  it('nor where the answer was none', async (t) => {
    const place = await promising(t, casts, () => 'p'.repeat(5000), { voters: 1 });
    const ran = await voteAs(place, 0, ['a']);
    failed(ran, 'no-answer', 3);
    assert.match(ran.err, /may have been cast/);
    await place.station.stop();
    assert.equal(place.log.turnout.ballots, 1);
  });

  it('keeps one that is signed for this ballot as evidence, though its time is too late to be waited for', async (t) => {
    for (const [what, promise] of Object.entries(late)) {
      const place = await promising(t, drops, promise, { voters: 1, draft: closing() });
      const ran = await voteAs(place, 0, ['a']);
      failed(ran, 'bad-promise', 1, place);
      assert.match(ran.err, /No receipt came.*doesn't hold[^]*that promise is saved in/, what);
      assert.equal((await judged(place)).finding.kind, 'promise');
    }
  });

  it('takes a promised time that is past: it is only the easier to break', async (t) => {
    const place = await promising(t, drops, ({ log }, ballot) => log.promise(sha256(ballot), 1));
    failed(await voteAs(place, 0, ['a']), 'no-answer', 3, place);
    const { finding } = await judged(place);
    assert.ok(finding.kind === 'promise' && finding.promise.by === 1);
  });
});
