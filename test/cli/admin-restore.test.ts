import assert from 'node:assert/strict';
import { access, copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { publicKeyOf } from '#src/crypto/signature.js';
import { signCheckpoint } from '#src/log/checkpoint.js';
import { decodeEntry, encodeEntry } from '#src/log/entry-codec.js';
import { judgeEvidence, parseEvidence } from '#src/log/evidence.js';
import { exportCar } from '#src/store/car.js';
import { exportJsonLines } from '#src/store/jsonl.js';
import { readKeyFile, writeKeyFile } from '#src/store/key-files.js';
import type { Snapshot } from '#src/store/level-source.js';
import { peerIdText } from '#src/crypto/peer-id.js';
import { formatInvite } from '#src/net/index.js';
import { LogBuilder, VOTERS } from '../support/build-log.ts';
import { capturedIo } from '../support/captured-io.ts';
import { KeptCopy, type KeptCopyOptions } from '../support/kept-copy.ts';
import {
  type RanRestore,
  VOTES,
  entriesOf,
  leftovers,
  lose,
  restore,
  snapshotOf,
  takeEvidence,
  twinOf,
} from '../support/lost-election.ts';
import { storeLog } from '../support/stored-log.ts';
import { tempFolder, testSeed } from '../support/temp-election.ts';
import { AdminPlace } from './admin-support.ts';
import { openPolls } from './open-polls.ts';

interface Lost {
  readonly place: AdminPlace;
  /** The log as it was, and how many entries it has. */
  readonly log: Snapshot;
  readonly size: number;
}

/** An election with ballots, whose folder is gone. */
async function lostElection(t: TestContext): Promise<Lost> {
  const place = await AdminPlace.withElection(t, '--open');
  await place.cast(...VOTES);
  return lost(t, place);
}

async function lost(t: TestContext, place: AdminPlace): Promise<Lost> {
  const log = await snapshotOf(t, place);
  await lose(place);
  return { place, log, size: (await entriesOf(log)).length };
}

/** Two histories that one key signed: the first is the longer one. */
async function forkedElection(t: TestContext): Promise<Lost & { readonly other: Snapshot }> {
  const place = await AdminPlace.withElection(t, '--open');
  await place.cast([0, [0]]);
  const twin = await twinOf(t, place);
  await place.cast([1, [1]], [2, [0]], [3, [0]]);
  await twin.cast([2, [0]], [3, [1]]);
  return { ...(await lost(t, place)), other: await snapshotOf(t, twin) };
}

/** A place with the key of a made election, and nothing of its log. */
async function placeOf(t: TestContext, { authority }: LogBuilder): Promise<AdminPlace> {
  const place = await AdminPlace.create(t);
  await mkdir(place.keys);
  const path = join(place.keys, 'admin-0191e7a4-7b1c-4f3a-9f5e-3b2a1c0d9e8f.key');
  await writeKeyFile(path, { role: 'admin', ...authority });
  return place;
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Asserts that a restore is refused, with this code and exit status, and leaves nothing behind. Resolves to what it said. */
async function refused(
  place: AdminPlace,
  from: readonly string[],
  [code, exit]: readonly [code: string, exit: number],
  ...options: string[]
): Promise<RanRestore & { readonly message: string }> {
  const ran = await restore(place, from, ...options);
  assert.deepEqual({ code: ran.error?.code, exit: ran.code }, { code, exit }, ran.err);
  assert.equal(await isThere(place.data), false, 'nothing that looks like an election');
  assert.deepEqual(await leftovers(place), []);
  return { ...ran, message: `${ran.error?.message ?? ''}\n${ran.error?.hint ?? ''}` };
}

/** Asserts that a restore makes the lost log again; takes it away, unless it is to be kept. */
async function restored(
  t: TestContext,
  { place, log }: Lost,
  from: readonly string[],
  options: readonly string[] = [],
  { keep = false }: { readonly keep?: boolean } = {},
): Promise<RanRestore & { readonly report: Readonly<Record<string, unknown>> }> {
  const ran = await restore(place, from, ...options);
  assert.equal(ran.code, 0, ran.err);
  const again = await snapshotOf(t, place);
  assert.deepEqual(await entriesOf(again), await entriesOf(log));
  assert.equal(await again.latestCheckpoint(), await log.latestCheckpoint());
  const report = ran.lines.at(-1) ?? {};
  assert.equal(report['event'], 'restored');
  if (!keep) await lose(place);
  return { ...ran, report };
}

const problems = ({ lines }: RanRestore) =>
  lines
    .filter(({ event }) => event === 'source-problem')
    .map(({ source, reason }) => [String(source), String(reason)] as const);

const inviteTo = (address: string, electionId: string) => {
  const [host = '', peerId = ''] = address.split('/p2p/');
  return `psephos:${peerId}/${electionId}?a=${host}`;
};

describe('admin restore', () => {
  it('makes the folder again from an observer, and says what is lost', async (t) => {
    const election = await lostElection(t);
    const { place, log, size } = election;
    const kept = await KeptCopy.start(t, log);
    const { report, err } = await restored(t, election, [kept.address], [], { keep: true });
    const { status, ...rest } = report;
    assert.deepEqual(rest, {
      event: 'restored',
      data: place.data,
      compared: 1,
      observers: 1,
      files: [],
      ownTrustees: [],
      lost: ['credentials', 'checks'],
    });
    const { entries, phase } = status as Readonly<Record<string, unknown>>;
    assert.deepEqual([entries, phase], [size, 'open']);
    assert.match(err, /What is in no log is lost:\n {2}- the voters' sheets/);
    assert.match(err, /asks the same observers once more .* Start it:\n {2}node .*admin\.js --listen/);
    assert.doesNotMatch(err, /trustee key/);
    assert.deepEqual((await readdir(place.data)).sort(), ['acknowledged', 'log', 'unconfirmed.json']);
    assert.deepEqual(await leftovers(place), []);
  });

  it('makes it again from an observer’s folder, from exports, and from an invite', async (t) => {
    const election = await lostElection(t);
    const { place, log } = election;
    const kept = await KeptCopy.start(t, log);
    const [car, lines] = [place.path('log.car'), place.path('log.jsonl')];
    await exportCar(log, car);
    await exportJsonLines(log, lines);
    await restored(t, election, [inviteTo(kept.address, kept.copy.electionId)]);
    for (const from of [car, lines, kept.folder]) {
      const { err } = await restored(t, election, [from]);
      assert.match(err, /No observer could be asked .*\n.*--trust-copy/);
    }
  });

  it('makes it again from the observers in the invite of an organiser who is gone', async (t) => {
    const election = await lostElection(t);
    const { place, log } = election;
    const kept = await KeptCopy.start(t, log);
    const key = await readKeyFile(join(place.keys, (await readdir(place.keys))[0] ?? ''), 'admin');
    const invite = (electionId: string) =>
      formatInvite({
        peerId: peerIdText(key.publicKey),
        electionId,
        addresses: ['/ip6/::1/tcp/1'],
        observers: [kept.address],
      });
    const ran = await restored(t, election, [invite(kept.copy.electionId)]);
    assert.deepEqual(
      problems(ran).map(([source]) => source),
      [invite(kept.copy.electionId)],
    );
    const { copy } = await KeptCopy.start(t, (await lostElection(t)).log, { key: 1 });
    await refused(place, [invite(copy.electionId)], ['wrong-election', 1]);
  });

  it('takes the longest of several, and asks observers that nobody named', async (t) => {
    const election = await lostElection(t);
    const { log, size } = election;
    const long = await KeptCopy.start(t, log, { key: 1 });
    const short = await KeptCopy.start(t, log, { key: 2, size: size - 2 });
    const middle = await KeptCopy.start(t, log, { key: 3, size: size - 1 });
    const { report } = await restored(t, election, [short.address, long.address, middle.folder]);
    assert.deepEqual([report['compared'], report['observers']], [3, 2]);
    // The short one heard of the long one when that was as short.
    short.desk.noteObserver(long.cosigned(short.copy.newestCheckpoint), long.self);
    const alone = await restored(t, election, [short.address]);
    assert.equal(alone.report['observers'], 2);
  });

  it('writes results again, and finds the trustee’s key beside the organiser’s', async (t) => {
    const place = await AdminPlace.withElection(t, '--secrecy', 'sealed', '--open');
    await place.cast([0, [0]], [1, [0]], [2, [1]]);
    assert.equal((await place.admin('close')).code, 0);
    const names = ['json', 'csv', 'md'].map((type) => `results/round-1.${type}`);
    const before = await Promise.all(names.map((name) => place.read(`election/${name}`)));
    const election = await lost(t, place);
    const kept = await KeptCopy.start(t, election.log);
    const { report, err } = await restored(t, election, [kept.address], [], { keep: true });
    assert.deepEqual([report['files'], report['ownTrustees']], [names, [1]]);
    assert.match(err, /You have the trustee key of trustee 1\./);
    assert.deepEqual(await Promise.all(names.map((name) => place.read(`election/${name}`))), before);
  });

  it('believes no source that is not honest, and goes on with another', async (t) => {
    const election = await lostElection(t);
    const { place, log, size } = election;
    const liar = (key: number, misbehave: NonNullable<KeptCopyOptions['misbehave']>) =>
      KeptCopy.start(t, log, { key, misbehave });
    const alters = await liar(1, (service) => ({
      async *entries(from, to) {
        let at = from;
        for await (const chunk of service.entries(from, to))
          yield chunk.map((entry) => (at++ === size - 2 ? altered(entry) : entry));
      },
    }));
    const withholds = await liar(2, (service) => ({
      entries: (from, to = size) => service.entries(from, Math.min(to, size - 1)),
    }));
    const forges = await liar(3, (service) => ({
      exchange: async (given) => {
        const answer = await service.exchange(given);
        return { ...answer, checkpoint: forged(answer.checkpoint) };
      },
    }));
    const passesOn = await liar(4, (service) => ({
      exchange: async (given) => {
        const answer = await service.exchange(given);
        return { ...answer, cosigned: [forged(answer.checkpoint)] };
      },
    }));
    // Anybody can write a genesis with the organiser's key in it.
    const pretends = await liar(5, (service) => ({
      async *entries(from, to) {
        for await (const chunk of service.entries(from, to)) yield from === 0 ? [retitled(chunk[0])] : chunk;
      },
    }));
    const whole = await KeptCopy.start(t, log, { key: 6 });
    for (const [{ address }, alone, reason] of [
      [alters, 'history-incomplete', /its entries are not those that its checkpoint is signed for/],
      [withholds, 'history-incomplete', /its checkpoint covers entries that it did not send/],
      [forges, 'no-source', /its checkpoint is not good/],
      [passesOn, 'no-source', /a checkpoint that it passes on is not good/],
      [pretends, 'bad-source', /its checkpoint is not good: the checkpoint is not of the log/],
    ] as const) {
      const ran = await refused(place, [address], [alone, 1]);
      assert.deepEqual([problems(ran)[0]?.[0], problems(ran).length], [address, 1]);
      assert.match(problems(ran)[0]?.[1] ?? '', reason);
      await restored(t, election, [address, whole.address]);
    }
  });

  it('goes on with another source where one dies half-way', async (t) => {
    // More than travels in one frame.
    const builder = new LogBuilder();
    builder.genesis();
    builder.roll(VOTERS);
    builder.checkpoint();
    builder.openRound(1);
    for (let number = 1; number <= 250; number++) {
      for (const voter of VOTERS) builder.cast(voter, number, [[number % 2]]);
      builder.checkpoint();
    }
    const place = await placeOf(t, builder);
    const stored = await tempFolder(t);
    await storeLog(stored, builder);
    let sent = 0;
    const dies: KeptCopy = await KeptCopy.start(t, builder.source(), {
      key: 1,
      misbehave: (service) => ({
        async *entries(from, to) {
          for await (const chunk of service.entries(from, to)) {
            for (const entry of chunk) {
              yield [entry];
              sent++;
              if (sent === 900) void dies.hangUp();
            }
          }
        },
      }),
    });
    const ran = await restore(place, [dies.address, stored]);
    assert.equal(ran.code, 0, ran.err);
    const all = builder.entries.map((entry) => new Uint8Array(entry));
    assert.deepEqual(await entriesOf(await snapshotOf(t, place)), all);
    assert.deepEqual([problems(ran)[0]?.[0], problems(ran).length], [dies.address, 1], ran.err);
  });

  it('refuses where somebody has a checkpoint of more than can be fetched', async (t) => {
    const election = await lostElection(t);
    const { place, log, size } = election;
    const short = await KeptCopy.start(t, log, { key: 1, size: size - 1 });
    const checkpoint = await place.file('kept.txt', (await log.latestCheckpoint()) ?? '');
    const { message } = await refused(
      place,
      [short.address],
      ['history-incomplete', 1],
      '--checkpoint',
      checkpoint,
    );
    assert.match(
      message,
      /kept\.txt holds a checkpoint of \d+ entries, .* only \d+ can be fetched; going on would/,
    );
    assert.match(message, /Name another source/);
    // An observer that can't be reached any more cosigned it, which another one says.
    const gone = await KeptCopy.start(t, log, { key: 2 });
    const tells = await KeptCopy.start(t, log, {
      key: 3,
      size: size - 1,
      misbehave: (service) => ({
        exchange: async (given) => {
          const answer = await service.exchange(given);
          return { ...answer, cosigned: [gone.cosigned()], observers: [gone.self] };
        },
      }),
    });
    await gone.hangUp();
    const heard = await refused(place, [tells.address], ['history-incomplete', 1]);
    assert.ok(heard.message.includes(gone.address), heard.message);
    assert.deepEqual(
      problems(heard).map(([source]) => source),
      [gone.address],
    );
    // Its folder, on a stick, is as good.
    await restored(t, election, [tells.address, gone.folder]);
  });

  it('refuses a log that lacks what a voter’s receipt is for, and a receipt of another election', async (t) => {
    const election = await lostElection(t);
    const { place, log, size } = election;
    const whole = await KeptCopy.start(t, log, { key: 1 });
    const short = await KeptCopy.start(t, log, { key: 2, size: size - 1 });
    const receipt = await place.file('v3.tlog-proof', await whole.copy.proofs.receipt(size - 1));
    const lacking = await refused(place, [short.address], ['history-incomplete', 1], '--receipt', receipt);
    assert.ok(lacking.message.includes(receipt), lacking.message);
    await restored(t, election, [short.address, whole.address], ['--receipt', receipt]);
    const nonsense = await place.file('nonsense', 'nonsense');
    await refused(place, [whole.address], ['bad-receipt', 2], '--receipt', nonsense);
    await refused(place, [whole.address], ['bad-checkpoint', 2], '--checkpoint', nonsense);
    const another = await lostElection(t);
    const foreign = await KeptCopy.start(t, another.log, { key: 3 });
    const wrong = await refused(another.place, [foreign.address], ['bad-receipt', 2], '--receipt', receipt);
    assert.match(wrong.message, /not of this election/);
  });

  it('refuses where the key signed two histories, with evidence that convicts', async (t) => {
    const { place, log, other } = await forkedElection(t);
    const long = await KeptCopy.start(t, log, { key: 1 });
    const conflicting = await KeptCopy.start(t, other, { key: 2 });
    const convicted = async (from: readonly string[], ...options: string[]): Promise<string> => {
      const { message } = await refused(place, from, ['log-conflict', 1], ...options);
      assert.match(message, /signed two histories, one of \d+ entries and one of \d+/);
      assert.ok(message.includes(place.path('alarms')), message);
      const [text = '', more] = await takeEvidence(place.folder);
      assert.equal(more, undefined);
      const evidence = parseEvidence(text);
      assert.ok(evidence.ok);
      const judged = judgeEvidence(evidence.value);
      assert.ok(judged.ok && judged.value.finding.kind === 'fork');
      assert.equal(judged.value.electionId, long.copy.electionId);
      return text;
    };
    const evidence = await convicted([long.address, conflicting.address]);
    await convicted([conflicting.address, long.folder]);
    await convicted([conflicting.folder, long.folder]);
    const checkpoint = await place.file('kept.txt', (await other.latestCheckpoint()) ?? '');
    await convicted([long.address], '--checkpoint', checkpoint);
    // Nobody who has the other history is there, only somebody who has the evidence.
    long.desk.takeEvidence(evidence);
    await convicted([long.address]);
  });

  it('finds a second history also where the longest log can be fetched in part only', async (t) => {
    const { place, log, size, other } = await forkedElection(t);
    const checkpoints: string[] = [];
    for await (const text of log.checkpoints(size - 2)) checkpoints.push(text);
    const withholds = await KeptCopy.start(t, log, {
      key: 1,
      misbehave: (service) => ({
        entries: (from, to = size) => service.entries(from, Math.min(to, size - 2)),
        latestCheckpoint: () => Promise.resolve(checkpoints[0]),
      }),
    });
    const conflicting = await KeptCopy.start(t, other, { key: 2 });
    const longer = await KeptCopy.start(t, other, { key: 3 });
    for (const second of [conflicting.address, longer.folder]) {
      await refused(place, [withholds.address, second], ['log-conflict', 1]);
      assert.equal((await takeEvidence(place.folder)).length, 1);
    }
  });

  it('refuses a log that breaks the rules, although the key signed it', async (t) => {
    const builder = new LogBuilder();
    builder.genesis();
    builder.roll(VOTERS);
    builder.openRound(1);
    builder.checkpoint();
    const forge = <B extends { readonly signature: Uint8Array }>(ballot: B): B => ({
      ...ballot,
      signature: altered(ballot.signature),
    });
    const at = builder.cast(VOTERS[0], 1, [[0]], { forge });
    builder.checkpoint();
    const folder = await tempFolder(t);
    await storeLog(folder, builder);
    const place = await placeOf(t, builder);
    const { message } = await refused(place, [folder], ['log-invalid', 1]);
    assert.match(message, new RegExp(`entry ${at}`, 'i'));
  });

  it('needs the key of the election, and says what is possible without', async (t) => {
    const election = await lostElection(t);
    const { place, log } = election;
    const kept = await KeptCopy.start(t, log);
    const none = await refused(place, [kept.address], ['no-key', 2], '--keys', place.path('elsewhere'));
    assert.match(none.message, /admin-[-0-9a-f]{36}\.key was looked for/);
    assert.match(none.message, /Without the key nothing can be added .* read, and checked, from observers/);
    const [name = ''] = await readdir(place.keys);
    const path = join(place.keys, name);
    const key = await readKeyFile(path, 'admin');
    const seed = testSeed(77);
    await writeKeyFile(path, { role: 'admin', seed, publicKey: publicKeyOf(seed) }, { replace: true });
    await refused(place, [kept.address], ['wrong-key', 2]);
    await writeKeyFile(path, { role: 'admin', ...key }, { replace: true });
    await restored(t, election, [kept.address]);
  });

  it('passes over observers of other elections, and restores none that was not meant', async (t) => {
    const election = await lostElection(t);
    const { place, log } = election;
    const another = await lostElection(t);
    const kept = await KeptCopy.start(t, log, { key: 1 });
    const foreign = await KeptCopy.start(t, another.log, { key: 2 });
    await refused(place, [foreign.address], ['no-key', 2]);
    const ran = await restored(t, election, [foreign.address, kept.address]);
    assert.match(problems(ran)[0]?.[1] ?? '', /it has another election, bafyrei/);
    const meant = ['--election', kept.copy.electionId];
    await refused(place, [kept.address], ['wrong-election', 1], '--election', foreign.copy.electionId);
    await refused(place, [kept.address], ['wrong-election', 1], '--fingerprint', 'AAAA-AAAA-AAAA-AAAA-AAAA');
    const invite = inviteTo(kept.address, foreign.copy.electionId);
    await refused(place, [invite], ['wrong-election', 1]);
    await refused(place, [invite], ['wrong-election', 2], ...meant);
    // With the keys of both it has to be said which.
    for (const name of await readdir(another.place.keys))
      await copyFile(join(another.place.keys, name), join(place.keys, name));
    await refused(place, [foreign.address, kept.address], ['which-election', 2]);
    await restored(t, election, [foreign.address, kept.address], meant);
  });

  it('leaves a folder that is there as it is', async (t) => {
    const { place, log } = await lostElection(t);
    const kept = await KeptCopy.start(t, log);
    await place.file('election/cat.jpg', 'meow');
    const taken = await restore(place, [kept.address]);
    assert.deepEqual([taken.error?.code, taken.code], ['folder-not-empty', 1]);
    assert.equal(await place.read('election/cat.jpg'), 'meow');
    const elsewhere = ['--data', place.path('other')];
    assert.equal((await restore(place, [kept.address], ...elsewhere)).code, 0);
    const again = await restore(place, [kept.address], ...elsewhere);
    assert.deepEqual([again.error?.code, again.code], ['election-exists', 1]);
  });

  it('ends on Ctrl-C with nothing left, and works when it is run again', async (t) => {
    const election = await lostElection(t);
    const { place, log } = election;
    const kept = await KeptCopy.start(t, log, { key: 1 });
    let reach: () => void = () => undefined;
    const reached = new Promise<void>((resolve) => (reach = resolve));
    const stalls = await KeptCopy.start(t, log, {
      key: 2,
      misbehave: (service) => ({
        async *entries(from, to) {
          if (to !== 1) {
            reach();
            await new Promise((resolve) => setTimeout(resolve, 60_000).unref());
          }
          yield* service.entries(from, to);
        },
      }),
    });
    const io = capturedIo();
    const ended = place.adminOn(io, 'restore', '--from', stalls.address, '--json');
    await reached;
    assert.equal((await leftovers(place)).length, 1);
    io.interrupt();
    const { code, out } = await ended;
    assert.equal(code, 1);
    assert.match(out, /"code":"interrupted"/);
    assert.equal(await isThere(place.data), false);
    assert.deepEqual(await leftovers(place), []);
    await restored(t, election, [kept.address]);
  });

  it('needs somebody who answers, and no organiser who does', async (t) => {
    const election = await lostElection(t);
    const { place, log } = election;
    const kept = await KeptCopy.start(t, log);
    await kept.hangUp();
    await refused(place, [kept.address], ['unreachable', 3]);
    await refused(place, [place.path('nothing')], ['no-such-log', 2]);
    const ran = await restored(t, election, [kept.address, kept.folder], [], { keep: true });
    assert.deepEqual(
      problems(ran).map(([source]) => source),
      [kept.address],
    );
    const polls = await openPolls(t, place, '--listen', '/ip6/::1/tcp/0', '--trust-copy');
    // By an address, or by the invite that voters have, whatever else it leads to.
    const again = await KeptCopy.start(t, log);
    const [host = '', peerId = ''] = polls.address.split('/p2p/');
    const invite = formatInvite({
      peerId,
      electionId: again.copy.electionId,
      addresses: [host],
      observers: [again.address],
    });
    const elsewhere = join(await tempFolder(t), 'election');
    const running = await restore(place, [invite], '--data', elsewhere);
    assert.deepEqual([running.error?.code, running.code], ['still-running', 1]);
    const twice = await restore(place, [polls.address], '--data', join(await tempFolder(t), 'election'));
    assert.deepEqual([twice.error?.code, twice.code], ['still-running', 1]);
  });
});

function altered(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, at) => (at === bytes.length - 1 ? byte ^ 1 : byte));
}

/** The genesis of another election, with all keys as they were. */
function retitled(genesis: Uint8Array | undefined): Uint8Array {
  const decoded = decodeEntry(genesis ?? new Uint8Array());
  assert.ok(decoded.ok && decoded.value.kind === 'genesis');
  return encodeEntry({ ...decoded.value, title: 'Another board' });
}

/** A checkpoint of more entries of the same log, signed by another key. */
function forged(checkpoint: string): string {
  const [origin = ''] = checkpoint.split('\n');
  const seed = testSeed(9);
  return signCheckpoint({ origin, size: 1000, root: new Uint8Array(32) }, seed, publicKeyOf(seed));
}
