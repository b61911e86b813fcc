import assert from 'node:assert/strict';
import { cp, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { chdir, cwd } from 'node:process';
import { type TestContext, describe, it } from 'node:test';
import { runVerifyLog } from '#src/cli/verify-log.js';
import { encodeSignedBallot, signBallot } from '#src/election/ballot.js';
import { cosign, withCosignatures } from '#src/log/cosignature.js';
import { formatEvidence, judgeEvidence, parseEvidence } from '#src/log/evidence.js';
import { peerIdOf, startNode } from '#src/net/index.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import { dialPeer, parseDialTarget } from '#src/net/index.js';
import { LogCopy } from '#src/services/log-copy.js';
import { ForkFound, ManySources } from '#src/services/many-sources.js';
import { type ReadService, PeerRefusal } from '#src/services/ports.js';
import { ServedLog } from '#src/services/served-log.js';
import { openLevelStore } from '#src/store/level-store.js';
import { capturedIo } from '../support/captured-io.ts';
import { cleanUp } from '../support/cleanup.ts';
import { PollingPlace } from '../support/polling-place.ts';
import { jsonLines } from '../support/processes.ts';
import { tempFolder, testSeed } from '../support/temp-election.ts';
import { witnessDesk } from '../support/witness.ts';

async function verify(...argv: string[]) {
  const io = capturedIo({});
  const code = await runVerifyLog([...argv, '--json'], io);
  return { code, lines: jsonLines(io.out()), people: io.err() };
}

async function cast(place: PollingPlace, voter: number, choice = 0): Promise<void> {
  const { round } = place.log.state;
  if (round === undefined) throw new Error('no round is open');
  const ballot = { form: 'open', round: round.cid, number: 1, choices: [[choice]] } as const;
  await place.station.cast(encodeSignedBallot(signBallot(ballot, testSeed(voter))));
}

const VOTERS = 600;

/** An election with more ballots than one stretch of the log has entries. */
async function election(t: TestContext): Promise<PollingPlace> {
  const place = await PollingPlace.start(t, { voters: VOTERS, secrets: false });
  await Promise.all(Array.from({ length: VOTERS - 10 }, (_, voter) => cast(place, voter, voter % 3)));
  return place;
}

/** Another peer, of another key, that serves a copy of the election as it is now; `misbehave` replaces what it answers. */
async function copyOf(
  t: TestContext,
  place: PollingPlace,
  { misbehave = () => ({}) }: { readonly misbehave?: (service: ReadService) => Partial<ReadService> } = {},
): Promise<string> {
  const folder = await tempFolder(t);
  await place.hangUp();
  await place.log.close();
  await cp(join(place.folder, 'election'), folder, { recursive: true });
  return serve(t, folder, misbehave);
}

let seeds = 100;

async function serve(
  t: TestContext,
  folder: string,
  misbehave: (service: ReadService) => Partial<ReadService>,
): Promise<string> {
  const clock = { now: () => Date.now() };
  const copy = await LogCopy.open({
    openStore: () => openLevelStore(folder, { create: false, program: 'a test' }),
    clock,
    onProgress: () => undefined,
  });
  const service = new ServedLog(copy, witnessDesk(copy, { isAuthority: false }), () => clock.now());
  const replaced = new Proxy(service, {
    get(target, name) {
      const own = Reflect.get({ ...misbehave(service) }, name) as unknown;
      const value = own ?? (Reflect.get(target, name) as unknown);
      return typeof value === 'function' && own === undefined
        ? (value as (...args: unknown[]) => unknown).bind(target)
        : value;
    },
    has: (target, name) => Reflect.has(target, name),
  });
  const node = await startNode({
    seed: testSeed(seeds++),
    listen: [{ address: '/ip6/::1/tcp/0' }],
    service: replaced,
    onDefect: () => undefined,
  });
  cleanUp(t, async () => {
    await node.stop();
    await copy.close();
  });
  return node.addresses()[0] as string;
}

/** So many copies of one election that is over and gone. */
async function copies(
  t: TestContext,
  misbehaviours: readonly ((service: ReadService) => Partial<ReadService>)[],
): Promise<string[]> {
  const place = await election(t);
  await place.hangUp();
  await place.log.close();
  return Promise.all(
    misbehaviours.map(async (misbehave) => {
      const folder = await tempFolder(t);
      await cp(join(place.folder, 'election'), folder, { recursive: true });
      return serve(t, folder, misbehave);
    }),
  );
}

const honest = () => ({});

describe('verify-log on several peers', () => {
  it('reads one log from all of them, and is done when they agree', async (t) => {
    const peers = await copies(t, [honest, honest, honest]);
    const audited = await verify(...peers);
    assert.equal(audited.code, 0, audited.people);
    const agreeing = audited.lines.filter(({ event, agrees }) => event === 'peer' && agrees === true);
    assert.deepEqual(agreeing.map(({ name }) => name).sort(), [...peers].sort());
    const verdict = audited.lines.find(({ event }) => event === 'verdict');
    assert.equal(verdict?.['size'], VOTERS - 10 + 3);
  });

  it('names and leaves out a peer that sends wrong entries, and takes them from another', async (t) => {
    const altered = (service: ReadService): Partial<ReadService> => ({
      async *entries(from, to) {
        for await (const chunk of service.entries(from, to))
          yield chunk.map((entry, at) => (at === 5 ? entry.slice(1) : entry));
      },
    });
    const peers = await copies(t, [honest, altered]);
    const audited = await verify(...peers);
    assert.equal(audited.code, 0, audited.people);
    const out = audited.lines.filter(({ event, agrees }) => event === 'peer' && agrees === false);
    assert.deepEqual(
      out.map(({ name }) => name),
      [peers[1]],
    );
    assert.match(String(out[0]?.['reason']), /entries \d+ to \d+ are not those of the log/);
  });

  it('leaves out a peer that refuses, or sends less than it has', async (t) => {
    const refusing = (): Partial<ReadService> => ({
      entries: () => {
        throw new PeerRefusal('not-found', 'It is gone.');
      },
    });
    const sparing = (service: ReadService): Partial<ReadService> => ({
      entries: (from, to) => service.entries(from, to === undefined ? undefined : Math.max(from, to - 1)),
    });
    const audited = await verify(...(await copies(t, [refusing, honest, sparing])));
    assert.equal(audited.code, 0, audited.people);
    const out = audited.lines.filter(({ event, agrees }) => event === 'peer' && agrees === false);
    assert.equal(out.length, 2);
  });

  it('leaves out a peer that stalls', async (t) => {
    const stalling = (): Partial<ReadService> => ({
      async *entries() {
        yield await new Promise<never>(() => undefined);
      },
    });
    const addresses = await copies(t, [stalling, honest]);
    const clients = await Promise.all(addresses.map((address) => dialPeer(parseDialTarget(address))));
    cleanUp(t, async () => {
      await Promise.all(clients.map((client) => client.close()));
    });
    const source = await ManySources.open(clients, { chunkDeadlineMs: 300 });
    let entries = 0;
    for await (const chunk of source.entries(0)) entries += chunk.length;
    assert.equal(entries, source.agreed.size);
    assert.deepEqual(
      source.dropped.map(({ name }) => name),
      [addresses[0]],
    );
  });

  it('leaves out a peer of another election, and one that can’t be reached', async (t) => {
    const place = await PollingPlace.start(t, { voters: 3, secrets: false });
    const other = await PollingPlace.start(t, { voters: 2, secrets: false });
    const gone = await PollingPlace.start(t, { voters: 2, secrets: false });
    await gone.hangUp();
    const deaf = `/ip6/::1/tcp/9/p2p/${peerIdOf(publicKeyOf(testSeed(90)))}`;
    const audited = await verify(place.address, other.address, deaf, '--election', place.log.electionId);
    assert.equal(audited.code, 0, audited.people);
    assert.match(audited.people, /LEFT OUT .* another election/);
    assert.equal((await verify(deaf, deaf)).code, 3);
    assert.equal((await verify(place.address, place.folder)).code, 2);
  });

  it('proves a fork between two peers, and calls neither log valid', async (t) => {
    const start = await PollingPlace.start(t, { voters: 6, secrets: false });
    await cast(start, 0);
    await start.stop();
    const copy = join(start.folder, 'copy');
    await mkdir(copy);
    await cp(join(start.folder, 'election'), join(copy, 'election'), { recursive: true });
    const again = { existing: start.voters, open: false };
    const one = await PollingPlace.start(t, { ...again, folder: start.folder });
    const other = await PollingPlace.start(t, { ...again, folder: copy });
    await cast(one, 1);
    await cast(other, 2);
    await cast(other, 3);
    const here = cwd();
    chdir(start.folder);
    cleanUp(t, () => {
      chdir(here);
    });
    const audited = await verify(one.address, other.address);
    assert.equal(audited.code, 1, audited.people);
    assert.match(audited.people, /ALARM: THE AUTHORITY OF THIS ELECTION SIGNED TWO HISTORIES/);
    const [file] = (await readdir(start.folder)).filter((name) => name.endsWith('.evidence.json'));
    const evidence = parseEvidence(await readFile(file ?? '', 'utf8'));
    assert.ok(evidence.ok && judgeEvidence(evidence.value).ok);
    await rm(file ?? '');

    const clients = await Promise.all([one, other].map(({ address }) => dialPeer(parseDialTarget(address))));
    cleanUp(t, async () => {
      await Promise.all(clients.map((client) => client.close()));
    });
    await assert.rejects(ManySources.open(clients), ForkFound);
    const told = await dialPeer(parseDialTarget(one.address));
    cleanUp(t, () => told.close());
    await told.exchange({
      checkpoint: await other.log.proofs.newestCheckpoint(),
      observer: null,
      evidence: [formatEvidence(evidence.value)],
    });
    const alone = await verify(one.address);
    assert.equal(alone.code, 1, 'a peer that knows of a fork passes it on to an auditor');
  });

  it('says which observers cosigned', async (t) => {
    const place = await PollingPlace.start(t, { voters: 3, secrets: false });
    const seed = testSeed(77);
    const observer = { seed, publicKey: publicKeyOf(seed) };
    const text = await place.log.proofs.newestCheckpoint();
    const line = cosign({ text }, observer, Math.floor(Date.now() / 1000));
    const client = await dialPeer(parseDialTarget(place.address));
    cleanUp(t, () => client.close());
    const id = peerIdOf(observer.publicKey);
    await client.exchange({
      checkpoint: withCosignatures(text, [{ line }]),
      observer: { key: observer.publicKey, addresses: [`/ip6/::1/tcp/9/p2p/${id}`] },
      evidence: [],
    });
    const audited = await verify(place.address, '--ask-observers');
    assert.equal(audited.code, 0, audited.people);
    const cosigned = audited.lines.filter(({ event }) => event === 'cosigned');
    assert.deepEqual(cosigned, [{ event: 'cosigned', observer: id, size: place.log.head.size }]);
    assert.match(audited.people, /The observer at \/ip6\/::1\/tcp\/9\/p2p\/\w+ does not answer/);
  });

  it('audits from an observer alone', async (t) => {
    const place = await PollingPlace.start(t, { voters: 3, secrets: false });
    const { electionId } = place.log;
    const address = await copyOf(t, place);
    const audited = await verify(address, '--election', electionId);
    assert.equal(audited.code, 0, audited.people);
    assert.match(audited.people, /read from observers/);
  });
});
