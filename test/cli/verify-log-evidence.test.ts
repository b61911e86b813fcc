import assert from 'node:assert/strict';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { utf8ToBytes } from '#src/base/bytes.js';
import { runVerifyLog } from '#src/cli/verify-log.js';
import { sha256 } from '#src/crypto/hash.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import { encodeSignedBallot, signBallot } from '#src/election/ballot.js';
import { origin, parseCheckpoint, signCheckpoint } from '#src/log/checkpoint.js';
import { type Evidence, formatEvidence } from '#src/log/evidence.js';
import { signPromise } from '#src/log/promise.js';
import { capturedIo } from '../support/captured-io.ts';
import { PollingPlace } from '../support/polling-place.ts';
import { jsonLines } from '../support/processes.ts';
import { SealedElection } from '../support/sealed-election.ts';
import { serveCopy } from '../support/served-copy.ts';
import { AUTHORITY, QUESTION, tempFolder, testSeed } from '../support/temp-election.ts';

async function verify(...argv: string[]) {
  const io = capturedIo({});
  const code = await runVerifyLog([...argv, '--json'], io);
  const lines = jsonLines(io.out());
  const evidence = lines.find(({ event }) => event === 'evidence');
  const failure = lines.find((line) => 'error' in line)?.['error'] as { code?: string } | undefined;
  const word = lines.find(({ event, id }) => event === 'check' && id === 'word');
  return {
    code,
    word: word?.['verdict'],
    log: lines.at(-1)?.['verdict'],
    last: io.err().trimEnd().split('\n').at(-1) ?? '',
    verdict: evidence?.['verdict'],
    message: evidence?.['message'],
    failure: failure?.code,
    people: io.err(),
  };
}

async function keep(folder: string, evidence: Evidence): Promise<string> {
  const path = join(folder, `${evidence.kind}-${Math.random().toString(36).slice(2)}.evidence.json`);
  await writeFile(path, formatEvidence(evidence));
  return path;
}

function ballotOf(place: PollingPlace, voter: number, choice = 0): Uint8Array {
  const round = place.log.state.round;
  if (round === undefined) throw new Error('no round is open');
  return encodeSignedBallot(
    signBallot({ form: 'open', round: round.cid, number: 1, choices: [[choice]] }, testSeed(voter)),
  );
}

/** Two histories of one election, by one authority: both begin with the same ballot, and go on differently. */
async function forked(t: TestContext): Promise<{ one: PollingPlace; other: PollingPlace }> {
  const start = await PollingPlace.start(t, { voters: 6, secrets: false });
  await start.station.cast(ballotOf(start, 0));
  await start.stop();
  const copy = join(start.folder, 'copy');
  await mkdir(copy);
  await cp(join(start.folder, 'election'), join(copy, 'election'), { recursive: true });
  const again = { existing: start.voters, open: false };
  const one = await PollingPlace.start(t, { ...again, folder: start.folder });
  const other = await PollingPlace.start(t, { ...again, folder: copy });
  await one.station.cast(ballotOf(one, 1));
  await other.station.cast(ballotOf(other, 2));
  await other.station.cast(ballotOf(other, 3));
  return { one, other };
}

async function genesisOf(place: PollingPlace): Promise<Uint8Array> {
  const genesis = await place.log.store.entry(0);
  assert.ok(genesis);
  return genesis;
}

async function forkEvidence(one: PollingPlace, other: PollingPlace): Promise<Evidence> {
  const first = await one.log.proofs.newestCheckpoint();
  const second = await other.log.proofs.newestCheckpoint();
  const prefix = await other.log.proofs.prefix(one.log.head.size, other.log.head.size);
  return { kind: 'fork', genesis: await genesisOf(one), first, second, ...prefix };
}

async function promiseFor(place: PollingPlace, ballot: Uint8Array, by: number): Promise<Evidence> {
  const key = { origin: origin(place.log.electionId), publicKey: publicKeyOf(AUTHORITY) };
  return {
    kind: 'promise',
    genesis: await genesisOf(place),
    promise: signPromise({ ballotHash: sha256(ballot), by }, key, AUTHORITY),
  };
}

describe('verify-log on evidence', () => {
  it('confirms a fork without any network, and calls no log of that election valid', async (t) => {
    const { one, other } = await forked(t);
    const file = await keep(one.folder, await forkEvidence(one, other));
    const alone = await verify('--evidence', file);
    assert.deepEqual([alone.code, alone.verdict], [0, 'proven'], alone.people);
    assert.match(alone.people, /PROVEN: the authority signed two histories, one of 5 entries and one of 6/);
    assert.ok(alone.people.includes(one.log.electionId));
    for (const place of [one, other]) {
      assert.equal((await verify(place.address)).code, 0, 'by itself each history is valid');
      const both = await verify(place.address, '--evidence', file);
      assert.deepEqual([both.code, both.verdict], [1, 'proven'], both.people);
      assert.deepEqual([both.word, both.log], ['invalid', 'invalid']);
      assert.match(both.last, /^INVALID: the authority signed two histories/);
    }
    const folder = await verify(join(one.folder, 'election'), '--evidence', file);
    assert.deepEqual([folder.code, folder.log], [1, 'invalid'], folder.people);
  });

  it('refuses evidence that was altered, that shows nothing, or that is none', async (t) => {
    const { one, other } = await forked(t);
    const evidence = await forkEvidence(one, other);
    assert.ok(evidence.kind === 'fork');
    const head = parseCheckpoint(evidence.second);
    assert.ok(head.ok);
    const otherKey = testSeed(9);
    const made = signCheckpoint(head.value, otherKey, publicKeyOf(otherKey));
    const honest = await one.log.proofs.prefix(4, one.log.head.size);
    for (const altered of [
      { ...evidence, second: made },
      { ...evidence, proof: evidence.proof.slice(1) },
      { ...evidence, root: sha256(utf8ToBytes('another')) },
      { ...evidence, first: evidence.second, second: evidence.second },
      { ...evidence, second: evidence.first, ...honest },
    ]) {
      const judged = await verify('--evidence', await keep(one.folder, altered));
      assert.deepEqual([judged.code, judged.failure], [1, 'bad-evidence'], judged.people);
    }
    const none = join(one.folder, 'none.evidence.json');
    await writeFile(none, '{"psephos":"evidence"}');
    const unreadable = await verify('--evidence', none);
    assert.deepEqual([unreadable.code, unreadable.failure], [2, 'bad-evidence']);
    assert.equal((await verify()).code, 2);
    const fork = await keep(one.folder, evidence);
    for (const more of [['--receipt', none], ['--election', 'bafy'], ['--ask-observers']])
      assert.equal((await verify('--evidence', fork, ...more)).code, 2, more.join(' '));
    assert.equal((await verify(join(one.folder, 'election'), '--ask-observers')).code, 2);
  });

  it('holds nothing against another election', async (t) => {
    const { one, other } = await forked(t);
    const file = await keep(one.folder, await forkEvidence(one, other));
    const stranger = await PollingPlace.start(t, { voters: 2, secrets: false });
    const judged = await verify(stranger.address, '--evidence', file);
    assert.deepEqual([judged.code, judged.failure], [1, 'wrong-election']);
  });

  it('tells an omission from an older copy, and from an entry that is there', async (t) => {
    const { one, other } = await forked(t);
    const receipt = await one.log.proofs.receipt(one.log.head.size - 1);
    const served = await other.log.proofs.newestCheckpoint();
    const file = await keep(one.folder, { kind: 'omission', genesis: await genesisOf(one), receipt, served });
    const alone = await verify('--evidence', file);
    assert.deepEqual([alone.code, alone.verdict], [1, 'open']);
    const there = await verify(one.address, '--evidence', file);
    assert.deepEqual([there.code, there.verdict, there.word], [0, 'kept', 'valid'], there.people);
    const missing = await verify(other.address, '--evidence', file);
    assert.deepEqual([missing.code, missing.verdict, missing.log], [1, 'proven', 'invalid'], missing.people);
    assert.match(missing.last, /^INVALID: the log does not begin with the 5 entries/);

    const older = await PollingPlace.start(t, { voters: 6, secrets: false });
    await older.station.cast(ballotOf(older, 0));
    await older.stop();
    const copy = join(older.folder, 'copy');
    await mkdir(copy);
    await cp(join(older.folder, 'election'), join(copy, 'election'), { recursive: true });
    const newer = await PollingPlace.start(t, { existing: older.voters, open: false, folder: older.folder });
    const late = await newer.station.cast(ballotOf(newer, 1));
    const short = await keep(newer.folder, {
      kind: 'omission',
      genesis: await genesisOf(newer),
      receipt: late,
      served: await newer.log.proofs.newestCheckpoint(),
    });
    const lagging = await verify(join(copy, 'election'), '--evidence', short);
    assert.deepEqual([lagging.code, lagging.verdict], [0, 'open'], lagging.people);
    assert.deepEqual([lagging.word, lagging.log], ['not-judged', 'valid']);
    const both = await verify(newer.address, await serveCopy(t, join(copy, 'election')), '--evidence', short);
    assert.deepEqual([both.code, both.verdict, both.word], [0, 'kept', 'valid'], both.people);
  });

  it('says whether a promise was kept, broken, or is not due', async (t) => {
    const place = await PollingPlace.start(t, { voters: 4, secrets: false });
    const [kept, dropped] = [ballotOf(place, 0), ballotOf(place, 1)];
    await place.station.cast(kept);
    await place.station.cast(ballotOf(place, 2));
    const { time } = place.log.head;
    const outcome = async (ballot: Uint8Array, by: number) => {
      const judged = await verify(
        place.address,
        '--evidence',
        await keep(place.folder, await promiseFor(place, ballot, by)),
      );
      return [judged.code, judged.verdict, /late/.test(String(judged.message))];
    };
    assert.deepEqual(await outcome(kept, time + 60_000), [0, 'kept', false]);
    assert.deepEqual(await outcome(kept, 1000), [0, 'kept', true]);
    assert.deepEqual(await outcome(dropped, time), [0, 'open', false]);
    assert.deepEqual(await outcome(dropped, time - 1), [1, 'proven', false]);
  });

  it('finds a sealed ballot by the hash of what travelled', async (t) => {
    const election = await SealedElection.create(t, { questions: [QUESTION] });
    await election.open();
    const { log } = election.election;
    const sealed = await election.vote(0, [[0]]);
    const key = { origin: origin(log.electionId), publicKey: publicKeyOf(AUTHORITY) };
    const genesis = await log.store.entry(0);
    assert.ok(genesis);
    const travelled = (number: number) =>
      encodeSignedBallot(
        signBallot({ form: 'sealed', round: election.round.cid, number, sealed }, testSeed(0)),
      );
    const { folder } = election.election;
    const at = await tempFolder(t);
    for (const [number, verdict] of [
      [1, 'kept'],
      [2, 'proven'],
    ] as const) {
      const promise = signPromise({ ballotHash: sha256(travelled(number)), by: 1 }, key, AUTHORITY);
      const judged = await verify(
        folder,
        '--evidence',
        await keep(at, { kind: 'promise', genesis, promise }),
      );
      assert.equal(judged.verdict, verdict, judged.people);
    }
  });
});
