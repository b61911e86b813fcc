import assert from 'node:assert/strict';
import { cp, mkdir, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { chdir, cwd } from 'node:process';
import { type TestContext, describe, it } from 'node:test';
import { runVerifyLog } from '#src/cli/verify-log.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import { encodeSignedBallot, signBallot } from '#src/election/ballot.js';
import { cosign, withCosignatures } from '#src/log/cosignature.js';
import { dialPeer, parseDialTarget, peerIdOf } from '#src/net/index.js';
import { type Exchange, PeerRefusal } from '#src/services/ports.js';
import { MAX_OBSERVERS } from '#src/services/witness-limits.js';
import { capturedIo } from '../support/captured-io.ts';
import { cleanUp } from '../support/cleanup.ts';
import { type PlaceOptions, PollingPlace } from '../support/polling-place.ts';
import { jsonLines } from '../support/processes.ts';
import { copiedFolder, serveCopy } from '../support/served-copy.ts';
import { AUTHORITY, tempFolder, testSeed } from '../support/temp-election.ts';

async function verify(...argv: string[]) {
  const io = capturedIo();
  const code = await runVerifyLog([...argv, '--json'], io);
  const lines = jsonLines(io.out());
  const checks = lines.filter(({ event }) => event === 'check');
  return {
    code,
    people: io.err(),
    last: io.err().trimEnd().split('\n').at(-1) ?? '',
    fork: lines.find(({ event }) => event === 'fork'),
    cosigned: lines.filter(({ event }) => event === 'cosigned'),
    doubts: lines.filter(({ event }) => event === 'doubt').map(({ message }) => String(message)),
    verdict: lines.at(-1),
    check: (id: string) => checks.find((check) => check['id'] === id)?.['verdict'],
  };
}

/** A folder that what is found is written to. */
async function workIn(t: TestContext): Promise<string> {
  const folder = await tempFolder(t);
  const here = cwd();
  chdir(folder);
  cleanUp(t, () => {
    chdir(here);
  });
  return folder;
}

async function cast(place: PollingPlace, ...voters: number[]): Promise<void> {
  const { round } = place.log.state;
  if (round === undefined) throw new Error('no round is open');
  for (const voter of voters) {
    const ballot = { form: 'open', round: round.cid, number: 1, choices: [[voter % 3]] } as const;
    await place.station.cast(encodeSignedBallot(signBallot(ballot, testSeed(voter))));
  }
}

/** An election that is stopped after a ballot, twice over. */
async function twice(t: TestContext): Promise<readonly [PlaceOptions, PlaceOptions]> {
  const start = await PollingPlace.start(t, { voters: 8, secrets: false });
  await cast(start, 0);
  await start.stop();
  const copy = await tempFolder(t);
  await cp(join(start.folder, 'election'), join(copy, 'election'), { recursive: true });
  const again = { existing: start.voters, open: false };
  return [
    { ...again, folder: start.folder },
    { ...again, folder: copy },
  ];
}

/** Two histories of one election: its organiser runs both. */
async function forked(t: TestContext): Promise<readonly [PollingPlace, PollingPlace]> {
  const [first, second] = await twice(t);
  const one = await PollingPlace.start(t, first);
  const other = await PollingPlace.start(t, second);
  await cast(one, 1);
  await cast(other, 2, 3);
  return [one, other];
}

const OBSERVER = testSeed(77);
const observerKey = { seed: OBSERVER, publicKey: publicKeyOf(OBSERVER) };
const observerId = peerIdOf(observerKey.publicKey);

/** Tells a place of an observer that cosigned its newest checkpoint. */
async function announce(t: TestContext, place: PollingPlace, address: string): Promise<void> {
  const text = await place.log.proofs.newestCheckpoint();
  const line = cosign({ text }, observerKey, Math.floor(Date.now() / 1000));
  await tell(t, place, {
    checkpoint: withCosignatures(text, [{ line }]),
    observer: { key: observerKey.publicKey, addresses: [address] },
    evidence: [],
  });
}

async function tell(t: TestContext, place: PollingPlace, given: Exchange): Promise<void> {
  const client = await dialPeer(parseDialTarget(place.address));
  cleanUp(t, () => client.close());
  await client.exchange(given);
}

describe('verify-log and a second history', () => {
  it('proves it from two peers, keeps the proof, and calls neither log valid', async (t) => {
    const folder = await workIn(t);
    const [one, other] = await forked(t);
    const audited = await verify(one.address, other.address);
    assert.equal(audited.code, 1, audited.people);
    assert.match(audited.people, /ALARM\nTHE AUTHORITY OF THIS ELECTION SIGNED TWO HISTORIES/);
    assert.match(audited.last, /^INVALID: .* \(5 entries\) and .* \(6 entries\) show two histories/);
    assert.equal(audited.verdict?.['verdict'], 'invalid');
    const file = String(audited.fork?.['file']);
    assert.deepEqual(await readdir(folder), [file]);
    assert.match(file, /^psephos-fork-[0-9a-f]{12}\.evidence\.json$/);
    assert.equal(await readFile(file, 'utf8'), audited.fork?.['evidence']);
    const judged = await verify('--evidence', file);
    assert.equal(judged.code, 0, judged.people);
    assert.match(judged.people, /PROVEN: the authority signed two histories/);
    // A second time it is the same evidence.
    await verify(other.address, one.address);
    assert.deepEqual(await readdir(folder), [file]);
  });

  it('hears of it from a peer that knows, whichever history that serves', async (t) => {
    const folder = await workIn(t);
    const [one, other] = await forked(t);
    await verify(one.address, other.address);
    const [file = ''] = await readdir(folder);
    const evidence = await readFile(file, 'utf8');
    for (const place of [one, other]) {
      assert.equal((await verify(place.address)).code, 0, 'by itself the history is valid');
      await tell(t, place, { checkpoint: null, observer: null, evidence: [evidence] });
      const audited = await verify(place.address);
      assert.equal(audited.code, 1, audited.people);
      assert.match(audited.people, /ALARM/);
      assert.match(audited.last, /^INVALID: the authority signed another history as well/);
      assert.equal(audited.verdict?.['verdict'], 'invalid');
      assert.equal(audited.check('word'), 'invalid');
      assert.equal(audited.fork?.['evidence'], evidence);
    }
  });

  it('finds it by asking the observers that are named, and asks them only when it is told to', async (t) => {
    await workIn(t);
    const [first, second] = await twice(t);
    const one = await PollingPlace.start(t, first);
    const other = await PollingPlace.start(t, second);
    await cast(other, 2, 3);
    await other.stop();
    const observer = await serveCopy(t, await copiedFolder(t, other), { seed: OBSERVER });
    await announce(t, one, observer);
    await cast(one, 1);
    const unasked = await verify(one.address);
    assert.equal(unasked.code, 0, unasked.people);
    assert.deepEqual(
      unasked.cosigned.map(({ observer: by, size }) => [by, size]),
      [[observerId, 4]],
    );
    assert.equal(unasked.check('history'), 'valid');
    const asked = await verify(one.address, '--ask-observers');
    assert.equal(asked.code, 1, asked.people);
    assert.match(asked.people, /ALARM/);
    assert.match(asked.last, /^INVALID: the authority signed another history/);
  });

  it('is not hidden by a proof that could not be kept', async (t) => {
    await workIn(t);
    const [one, other] = await forked(t);
    const name = String((await verify(one.address, other.address)).fork?.['file']);
    await workIn(t);
    await mkdir(name);
    const audited = await verify(one.address, other.address);
    assert.equal(audited.code, 1, audited.people);
    assert.equal(audited.fork?.['file'], null);
    assert.match(audited.people, /could not be kept here/);
    assert.match(audited.last, /^INVALID: /);
  });
});

describe('verify-log and what observers know', () => {
  it('says who does not answer, and goes on', async (t) => {
    const place = await PollingPlace.start(t, { voters: 3, secrets: false });
    await announce(t, place, `/ip6/::1/tcp/9/p2p/${observerId}`);
    const audited = await verify(place.address, '--ask-observers');
    assert.equal(audited.code, 0, audited.people);
    assert.match(audited.doubts.join(), new RegExp(`Observer ${observerId} was not asked: Could not reach`));
    assert.match(audited.people, new RegExp(`cosigned by +${observerId}, 3 entries, 20`));
  });

  it('hears of as many observers as a peer can know, though all cosigned the same checkpoint', async (t) => {
    const place = await PollingPlace.start(t, { voters: 3, secrets: false });
    const text = await place.log.proofs.newestCheckpoint();
    const client = await dialPeer(parseDialTarget(place.address));
    cleanUp(t, () => client.close());
    const seconds = Math.floor(Date.now() / 1000);
    for (let number = 0; number < MAX_OBSERVERS; number++) {
      const seed = testSeed(5000 + number);
      const key = publicKeyOf(seed);
      await client.exchange({
        checkpoint: withCosignatures(text, [{ line: cosign({ text }, { seed, publicKey: key }, seconds) }]),
        observer: { key, addresses: [`/ip6/::1/tcp/9/p2p/${peerIdOf(key)}`] },
        evidence: [],
      });
    }
    const audited = await verify(place.address);
    assert.deepEqual(audited.doubts, []);
    assert.equal(new Set(audited.cosigned.map(({ observer }) => observer)).size, MAX_OBSERVERS);
  });

  it('goes on where a peer does not compare notes, or tells nonsense', async (t) => {
    const place = await PollingPlace.start(t, {
      voters: 3,
      secrets: false,
      misbehave: () => ({ exchange: () => Promise.reject(new PeerRefusal('internal', 'No.')) }),
    });
    assert.equal((await verify(place.address)).code, 0);
    const telling = await PollingPlace.start(t, {
      voters: 3,
      secrets: false,
      misbehave: (service) => ({
        exchange: async (given) => {
          const answer = await service.exchange(given);
          return {
            ...answer,
            cosigned: [answer.checkpoint.replace('\n3\n', '\n4\n')],
            evidence: ['{}'],
          };
        },
      }),
    });
    const audited = await verify(telling.address);
    assert.equal(audited.code, 0, audited.people);
    assert.equal(audited.doubts.length, 2);
    assert.match(audited.people, /NOTE: .* passes on evidence that shows nothing/);
  });

  it('shows an organiser who was rolled back, whose log is not what was signed for', async (t) => {
    await workIn(t);
    const [first, second] = await twice(t);
    const ahead = await PollingPlace.start(t, second);
    await cast(ahead, 1, 2);
    await ahead.stop();
    const observer = await serveCopy(t, await copiedFolder(t, ahead), { seed: OBSERVER });
    const rolledBack = await PollingPlace.start(t, first);
    await announce(t, rolledBack, observer);
    const alone = await verify(rolledBack.address, '--ask-observers');
    assert.equal(alone.code, 1, alone.people);
    assert.match(
      alone.last,
      /^INVALID: checkpoint of 6 entries: .* the log has only 4: entries were removed/,
    );
    const both = await verify(rolledBack.address, observer);
    assert.equal(both.code, 0, both.people);
    assert.match(both.doubts.join(), /The organiser's own node shows 4 entries, and signed for 6 before/);
    assert.match(both.last, /^VALID: 6 entries/);
  });

  it('does not blame an observer that lags behind', async (t) => {
    const [first] = await twice(t);
    const place = await PollingPlace.start(t, first);
    await place.stop();
    const lagging = await serveCopy(t, await copiedFolder(t, place), { seed: OBSERVER });
    const again = await PollingPlace.start(t, first);
    await cast(again, 4, 5);
    await announce(t, again, lagging);
    const both = await verify(again.address, lagging, '--ask-observers');
    assert.equal(both.code, 0, both.people);
    assert.deepEqual(both.doubts, []);
    assert.match(both.last, /^VALID: 6 entries/);
    const alone = await verify(lagging);
    assert.equal(alone.code, 0, alone.people);
    assert.match(alone.people, /NOTE: The log was read from observers/);
  });

  it('reads a log from an address that the authority’s key is behind as that authority’s', async (t) => {
    const place = await PollingPlace.start(t, { voters: 3, secrets: false });
    assert.equal((await verify(place.address)).check('identity'), 'valid');
    assert.equal((await verify(place.bareAddress)).check('identity'), 'not-applicable');
    await place.stop();
    const copy = await serveCopy(t, await copiedFolder(t, place), { seed: AUTHORITY });
    assert.equal((await verify(copy)).check('identity'), 'valid');
  });
});
