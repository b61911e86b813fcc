import assert from 'node:assert/strict';
import { type TestContext, describe, it } from 'node:test';
import { CID } from 'multiformats/cid';
import { cidFromDigest } from '#src/crypto/cid.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import { encodeEnrolment, signEnrolment } from '#src/election/enrolment.js';
import { parseDialTarget } from '#src/net/invite.js';
import { dialPeer } from '#src/net/peer-client.js';
import { type NodeService, PeerRefusal, type Store, type WireCode } from '#src/services/ports.js';
import { enrolmentInReceipt, meetElection, openReceipt } from '#src/services/voter-session.js';
import { openLevelStore } from '#src/store/level-store.js';
import { EnrolmentDesk } from '#src/services/enrolment-desk.js';
import { cleanUp } from '../support/cleanup.ts';
import { PollingPlace } from '../support/polling-place.ts';
import { TempElection, testSeed } from '../support/temp-election.ts';

const OWN = (index: number) => testSeed(1000 + index);

/** The enrolment by voter `index` of the own key `own`. */
function enrolment(log: { readonly electionId: string }, index: number, own = index): Uint8Array {
  return encodeEnrolment(signEnrolment(CID.parse(log.electionId), testSeed(index), OWN(own)));
}

async function refusedWith(enrolling: Promise<unknown>, code: WireCode): Promise<void> {
  await assert.rejects(enrolling, (error) => {
    assert.ok(error instanceof PeerRefusal, String(error));
    assert.equal(error.code, code);
    return true;
  });
}

async function connected(t: TestContext) {
  const place = await PollingPlace.start(t, { voters: 4, secrets: false, open: false });
  const client = await dialPeer(parseDialTarget(place.address), { retries: 0 });
  cleanUp(t, () => client.close());
  return { place, client, log: place.log };
}

describe('an enrolment over the network', () => {
  it('is answered with a receipt that proves it, the same one each time', async (t) => {
    const { client, log } = await connected(t);
    const bytes = enrolment(log, 0);
    const text = await client.enrol(bytes);
    const election = await meetElection(client);
    const entry = enrolmentInReceipt(openReceipt(text, election));
    assert.deepEqual([entry.voter, entry.key], [publicKeyOf(testSeed(0)), publicKeyOf(OWN(0))]);
    await client.enrol(enrolment(log, 1));
    assert.equal(await client.enrol(bytes), text);
    assert.equal(log.state.enrolled, 2);
  });

  it('moves the voter to the new key, with name and weight', async (t) => {
    const { client, log } = await connected(t);
    const before = await client.standing({ name: 'v0' });
    assert.equal(before?.enrolled, undefined);
    await client.enrol(enrolment(log, 0));
    const after = { ...before, key: publicKeyOf(OWN(0)), enrolled: true };
    assert.deepEqual(await client.standing({ name: 'v0' }), after);
    assert.deepEqual(await client.standing({ key: publicKeyOf(OWN(0)) }), after);
    assert.equal(await client.standing({ key: publicKeyOf(testSeed(0)) }), undefined);
    assert.equal((await client.standing({ name: 'v1' }))?.enrolled, undefined);
  });

  it('that comes many times at once is logged once', async (t) => {
    const { place, log } = await connected(t);
    const size = log.head.size;
    const bytes = [enrolment(log, 0), enrolment(log, 1), enrolment(log, 0, 2)];
    const done = await Promise.allSettled(
      Array.from({ length: 30 }, (_, at) => place.desk.enrol(bytes[at % 3] as Uint8Array)),
    );
    assert.equal(log.head.size, size + 2);
    const receipts = done.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    assert.deepEqual([receipts.length, new Set(receipts).size], [20, 2]);
    assert.equal(place.events.filter(({ type }) => type === 'voter-enrolled').length, 2);
  });

  it('is refused with the code that says why', async (t) => {
    const { place, client, log } = await connected(t);
    const good = signEnrolment(CID.parse(log.electionId), testSeed(0), OWN(0));
    await refusedWith(client.enrol(new Uint8Array(10)), 'malformed');
    const elsewhere = cidFromDigest(new Uint8Array(32).fill(9));
    await refusedWith(
      client.enrol(encodeEnrolment(signEnrolment(elsewhere, testSeed(0), OWN(0)))),
      'wrong-election',
    );
    // One of another election under this one's name.
    const renamed = { ...signEnrolment(elsewhere, testSeed(0), OWN(0)), election: good.election };
    await refusedWith(client.enrol(encodeEnrolment(renamed)), 'bad-signature');
    const swapped = { ...good, keySignature: good.voterSignature };
    await refusedWith(client.enrol(encodeEnrolment(swapped)), 'bad-signature');
    await refusedWith(client.enrol(enrolment(log, 77)), 'unknown-voter');
    const another = encodeEnrolment(signEnrolment(good.election, testSeed(0), testSeed(1)));
    await refusedWith(client.enrol(another), 'already-enrolled');
    assert.equal(log.state.enrolled, 0);

    await client.enrol(encodeEnrolment(good));
    await refusedWith(client.enrol(enrolment(log, 0, 5)), 'already-enrolled');
    await refusedWith(client.enrol(enrolment(log, 1, 0)), 'already-enrolled');
    const byNew = encodeEnrolment(signEnrolment(good.election, OWN(0), OWN(6)));
    await refusedWith(client.enrol(byNew), 'already-enrolled');
    const oldAsNew = encodeEnrolment(signEnrolment(good.election, testSeed(1), testSeed(0)));
    await refusedWith(client.enrol(oldAsNew), 'already-enrolled');

    await place.organiser.open();
    await refusedWith(client.enrol(enrolment(log, 1)), 'too-late');
    await place.organiser.close();
    await refusedWith(client.enrol(enrolment(log, 1)), 'too-late');
    assert.equal(log.state.enrolled, 1);
    const told = place.events.flatMap((event) => (event.type === 'enrolment-refused' ? [event.code] : []));
    assert.equal(told.length, 12);
    assert.deepEqual(place.defects, []);
  });

  it('is told to come back while the disk fails, and is taken then', async (t) => {
    let broken = false;
    const election = await TempElection.create(t, {
      wrapStore: (store: Store) =>
        new Proxy(store, {
          get(target, property) {
            if (property === 'commit' && broken) return () => Promise.reject(new Error('no space'));
            const value: unknown = Reflect.get(target, property);
            return typeof value === 'function'
              ? (value as (...args: unknown[]) => unknown).bind(target)
              : value;
          },
        }),
    });
    const { log } = election;
    const desk: Pick<NodeService, 'enrol'> = new EnrolmentDesk(log, () => undefined);
    broken = true;
    await refusedWith(desk.enrol(enrolment(log, 0)), 'busy');
    await refusedWith(desk.enrol(enrolment(log, 1)), 'busy');
    broken = false;
    await log.resume();
    assert.equal(log.state.enrolled, 0);
    await desk.enrol(enrolment(log, 0));
    assert.equal(log.state.enrolled, 1);
  });
});

describe('a store with enrolments', () => {
  it('says the same after it is opened again, and after its indexes were made anew', async (t) => {
    const election = await TempElection.create(t, { voters: 300 });
    const { electionId } = election.log;
    const receipts: string[] = [];
    let desk = new EnrolmentDesk(election.log, () => undefined);
    for (const index of [0, 1, 299]) receipts.push(await desk.enrol(enrolment({ electionId }, index)));
    await election.organiser.open();
    const seen = async () => {
      const { store, state } = election.log;
      const all = [];
      for await (const record of store.voters()) all.push(record);
      const enrolled = [];
      for await (const name of election.organiser.enrolled()) enrolled.push(name);
      const seqs = [];
      for (const seed of [testSeed(0), OWN(0), testSeed(2), OWN(2)])
        seqs.push(await store.enrolmentSeq(publicKeyOf(seed)));
      return {
        all,
        enrolled: enrolled.sort(),
        seqs,
        byName: await store.voterByName('v299'),
        count: state.enrolled,
      };
    };
    const before = await seen();
    assert.deepEqual([before.all.length, before.enrolled, before.count], [300, ['v0', 'v1', 'v299'], 3]);
    assert.deepEqual(before.byName?.key, publicKeyOf(OWN(299)));
    await election.reopen();
    assert.deepEqual(await seen(), before);
    await election.close();
    const store = await openLevelStore(election.folder, { create: false, program: 'a test' });
    await store.clearIndexes();
    assert.equal(await store.enrolmentSeq(publicKeyOf(OWN(0))), undefined);
    await store.close();
    await election.reopen();
    assert.deepEqual(await seen(), before);
    desk = new EnrolmentDesk(election.log, () => undefined);
    assert.equal(await desk.enrol(enrolment({ electionId }, 299)), receipts[2]);
  });
});
