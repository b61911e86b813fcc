import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { type TestContext, describe, it } from 'node:test';
import { toHex } from '#src/base/bytes.js';
import { peerIdText } from '#src/crypto/peer-id.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import { origin, parseCheckpoint, signCheckpoint } from '#src/log/checkpoint.js';
import { cosign, cosignaturesOf, cosignerName, withCosignatures } from '#src/log/cosignature.js';
import { formatEvidence, parseEvidence } from '#src/log/evidence.js';
import { emptyRoot } from '#src/log/merkle.js';
import { dialPeer, parseDialTarget } from '#src/net/index.js';
import type { ExchangeAnswer, ObserverAddress, PeerClient } from '#src/services/ports.js';
import { cleanUp } from '../support/cleanup.ts';
import { castAll, copyOf } from '../support/forked-place.ts';
import { Watcher } from '../support/observing.ts';
import { PollingPlace } from '../support/polling-place.ts';
import { Puppet } from '../support/puppet.ts';
import { AUTHORITY, testSeed } from '../support/temp-election.ts';

const KEYS_ONLY = { secrets: false, voters: 20 } as const;
const NOW = () => Math.floor(Date.now() / 1000);

function observerKey(number: number) {
  const seed = testSeed(1000 + number);
  return { seed, publicKey: publicKeyOf(seed) };
}

function addressOf(key: { readonly publicKey: Uint8Array }, port = 4001): ObserverAddress {
  return {
    key: key.publicKey,
    addresses: [`/ip6/2001:db8::7/tcp/${port}/p2p/${peerIdText(key.publicKey)}`],
  };
}

async function startPlace(t: TestContext): Promise<PollingPlace> {
  const place = await PollingPlace.start(t, KEYS_ONLY);
  await castAll(place, 0, 3);
  return place;
}

async function clientOf(t: TestContext, address: string): Promise<PeerClient> {
  const client = await dialPeer(parseDialTarget(address), { retries: 0 });
  cleanUp(t, () => client.close());
  return client;
}

/** What a peer knows of observers. */
async function knownTo(client: PeerClient): Promise<ExchangeAnswer> {
  return client.exchange({ checkpoint: null, observer: null, evidence: [] });
}

interface Desk {
  readonly address: string;
  /** Resolves when its log has so many entries. */
  readonly holds: (size: number) => Promise<void>;
}

/** An authority, and an observer, to whom somebody comes with lies. */
const DESKS: readonly {
  readonly who: string;
  readonly start: (t: TestContext, place: PollingPlace) => Promise<Desk>;
}[] = [
  {
    who: 'an authority',
    start: (_, { address }) => Promise.resolve({ address, holds: () => Promise.resolve() }),
  },
  {
    who: 'an observer',
    start: async (t, place) => {
      const observer = await Watcher.start(t, place, { dial: [place.address] });
      await observer.holds(place.log.head.size);
      return { address: observer.address, holds: (size) => observer.holds(size) };
    },
  },
];

for (const { who, start } of DESKS) {
  describe(`${who} that somebody tells lies`, () => {
    it('learns of an observer from a fresh cosignature of its own', async (t) => {
      const place = await startPlace(t);
      const client = await clientOf(t, (await start(t, place)).address);
      const key = observerKey(1);
      const checkpoint = await place.log.proofs.newestCheckpoint();
      const cosigned = withCosignatures(checkpoint, [{ line: cosign({ text: checkpoint }, key, NOW()) }]);
      await client.exchange({ checkpoint: cosigned, observer: addressOf(key), evidence: [] });
      const { observers } = await knownTo(client);
      assert.deepEqual(
        observers.find((one) => toHex(one.key) === toHex(key.publicKey)),
        addressOf(key),
      );
    });

    const strangers: readonly {
      readonly name: string;
      readonly tell: (checkpoint: string) => { readonly text: string; readonly observer: ObserverAddress };
    }[] = [
      {
        name: 'whose cosignature was changed',
        tell: (checkpoint) => {
          const line = cosign({ text: checkpoint }, observerKey(1), NOW());
          const at = line.length - 20;
          const other = line[at] === 'A' ? 'B' : 'A';
          return {
            text: withCosignatures(checkpoint, [{ line: line.slice(0, at) + other + line.slice(at + 1) }]),
            observer: addressOf(observerKey(1)),
          };
        },
      },
      {
        name: 'whose cosignature is of another checkpoint',
        tell: (checkpoint) => {
          const head = parseCheckpoint(checkpoint);
          assert.ok(head.ok);
          const other = signCheckpoint(
            { ...head.value, root: emptyRoot() },
            AUTHORITY,
            publicKeyOf(AUTHORITY),
          );
          const line = cosign({ text: other }, observerKey(1), NOW());
          return { text: withCosignatures(checkpoint, [{ line }]), observer: addressOf(observerKey(1)) };
        },
      },
      {
        name: "who signs in another's name",
        tell: (checkpoint) => {
          const [liar, victim] = [observerKey(2), observerKey(1)];
          const line = cosign({ text: checkpoint }, liar, NOW()).replace(
            cosignerName(liar.publicKey),
            cosignerName(victim.publicKey),
          );
          return { text: withCosignatures(checkpoint, [{ line }]), observer: addressOf(victim) };
        },
      },
      {
        name: "whose cosignature is another's",
        tell: (checkpoint) => ({
          text: withCosignatures(checkpoint, [{ line: cosign({ text: checkpoint }, observerKey(2), NOW()) }]),
          observer: addressOf(observerKey(1)),
        }),
      },
      {
        name: 'whose cosignature is a day old',
        tell: (checkpoint) => ({
          text: withCosignatures(checkpoint, [
            { line: cosign({ text: checkpoint }, observerKey(1), NOW() - 24 * 3600) },
          ]),
          observer: addressOf(observerKey(1)),
        }),
      },
      {
        name: 'whose cosignature is of tomorrow',
        tell: (checkpoint) => ({
          text: withCosignatures(checkpoint, [
            { line: cosign({ text: checkpoint }, observerKey(1), NOW() + 24 * 3600) },
          ]),
          observer: addressOf(observerKey(1)),
        }),
      },
      {
        name: "whose address is another peer's",
        tell: (checkpoint) => ({
          text: withCosignatures(checkpoint, [{ line: cosign({ text: checkpoint }, observerKey(1), NOW()) }]),
          observer: { key: observerKey(1).publicKey, addresses: addressOf(observerKey(2)).addresses },
        }),
      },
      {
        name: "one of whose addresses is another peer's",
        tell: (checkpoint) => {
          const line = cosign({ text: checkpoint }, observerKey(1), NOW());
          const addresses = [1, 2].flatMap((number) => addressOf(observerKey(number)).addresses);
          return {
            text: withCosignatures(checkpoint, [{ line }]),
            observer: { key: observerKey(1).publicKey, addresses },
          };
        },
      },
      {
        name: 'whose address is something to make a program do',
        tell: (checkpoint) => {
          const line = cosign({ text: checkpoint }, observerKey(1), NOW());
          const { publicKey } = observerKey(1);
          const addresses = [`/unix/etc/passwd/p2p/${peerIdText(publicKey)}`];
          return { text: withCosignatures(checkpoint, [{ line }]), observer: { key: publicKey, addresses } };
        },
      },
    ];
    for (const { name, tell } of strangers) {
      it(`does not get to know an observer ${name}`, async (t) => {
        const place = await startPlace(t);
        const client = await clientOf(t, (await start(t, place)).address);
        const { text, observer } = tell(await place.log.proofs.newestCheckpoint());
        await client.exchange({ checkpoint: text, observer, evidence: [] });
        const { observers, cosigned } = await knownTo(client);
        const known = new Set(observers.map(({ key }) => toHex(key)));
        for (const number of [1, 2]) assert.equal(known.has(toHex(observerKey(number).publicKey)), false);
        // What it passes on is good.
        for (const one of cosigned)
          for (const { observer: cosigner } of cosignaturesOf({ text: one }))
            assert.ok(known.has(toHex(cosigner)));
      });
    }

    it('is not moved by what an observer said before, said again with another address', async (t) => {
      const place = await startPlace(t);
      const client = await clientOf(t, (await start(t, place)).address);
      const key = observerKey(1);
      const checkpoint = await place.log.proofs.newestCheckpoint();
      const [old, young] = [NOW() - 60, NOW()].map((time) =>
        withCosignatures(checkpoint, [{ line: cosign({ text: checkpoint }, key, time) }]),
      ) as [string, string];
      await client.exchange({ checkpoint: young, observer: addressOf(key), evidence: [] });
      for (const text of [old, young])
        await client.exchange({ checkpoint: text, observer: addressOf(key, 6666), evidence: [] });
      const { observers, cosigned } = await knownTo(client);
      assert.deepEqual(
        observers.find((one) => toHex(one.key) === toHex(key.publicKey)),
        addressOf(key),
      );
      const kept = cosigned.flatMap((text) => cosignaturesOf({ text }));
      const own = kept.filter(({ observer }) => toHex(observer) === toHex(key.publicKey));
      assert.deepEqual(
        own.map(({ line }) => young.endsWith(line)),
        [true],
        'the newest cosignature is kept',
      );
    });

    it('keeps the newest cosignature, whatever is said again', async (t) => {
      const place = await startPlace(t);
      const desk = await start(t, place);
      const client = await clientOf(t, desk.address);
      const key = observerKey(1);
      const before = await place.log.proofs.newestCheckpoint();
      await castAll(place, 3, 6);
      await desk.holds(place.log.head.size);
      const after = await place.log.proofs.newestCheckpoint();
      for (const text of [after, before]) {
        const line = cosign({ text }, key, NOW());
        await client.exchange({
          checkpoint: withCosignatures(text, [{ line }]),
          observer: addressOf(key),
          evidence: [],
        });
      }
      const { cosigned } = await knownTo(client);
      assert.ok(
        cosigned.some((text) => text.startsWith(after) && text.includes(cosignerName(key.publicKey))),
      );
      assert.ok(
        !cosigned.some((text) => text.startsWith(before) && text.includes(cosignerName(key.publicKey))),
      );
    });

    it('finds no fork in evidence that shows none', async (t) => {
      const place = await startPlace(t);
      const client = await clientOf(t, (await start(t, place)).address);
      const genesis = (await place.log.store.entry(0)) as Uint8Array;
      const size = place.log.head.size;
      const { root, proof } = await place.log.proofs.prefix(4, size);
      const head = (of: number, hash: Uint8Array, seed = AUTHORITY) =>
        signCheckpoint(
          { origin: origin(place.log.electionId), size: of, root: hash },
          seed,
          publicKeyOf(seed),
        );
      const second = await place.log.proofs.newestCheckpoint();
      const bogus = new Uint8Array(32).fill(9);
      const fork = { kind: 'fork', genesis, second, root, proof } as const;
      const stranger = testSeed(4711);
      const false_ = [
        // Two checkpoints of one history.
        formatEvidence({ ...fork, first: head(4, root) }),
        // A root that was never signed for.
        formatEvidence({ ...fork, first: head(4, bogus, stranger) }),
        // A proof that proves nothing.
        formatEvidence({ ...fork, first: head(4, bogus), proof: proof.map(() => bogus) }),
        formatEvidence({ ...fork, first: head(4, bogus), root: bogus }),
        formatEvidence({ ...fork, first: head(4, bogus), proof: [] }),
        // Of an election that is not this one, though forked.
        await forkOfAnother(t),
        'no evidence at all',
        '{}',
      ];
      for (const evidence of false_)
        await client.exchange({ checkpoint: null, observer: null, evidence: [evidence] });
      assert.deepEqual((await knownTo(client)).evidence, []);
      // One that is true shows that they were looked at.
      const proven = formatEvidence({ ...fork, first: head(4, bogus) });
      const answer = await client.exchange({ checkpoint: null, observer: null, evidence: [proven] });
      assert.deepEqual(answer.evidence.map(parseEvidence), [parseEvidence(proven)]);
    });

    it('takes no checkpoint that the authority did not sign', async (t) => {
      const place = await startPlace(t);
      const client = await clientOf(t, (await start(t, place)).address);
      const stranger = testSeed(4711);
      const at = { size: 4, root: new Uint8Array(32) };
      const forged = signCheckpoint(
        { ...at, origin: origin(place.log.electionId) },
        stranger,
        publicKeyOf(stranger),
      );
      const elsewhere = signCheckpoint({ ...at, origin: 'psephos/other' }, AUTHORITY, publicKeyOf(AUTHORITY));
      const given = { observer: null, evidence: [] };
      await assert.rejects(client.exchange({ ...given, checkpoint: forged }), { code: 'bad-signature' });
      await assert.rejects(client.exchange({ ...given, checkpoint: elsewhere }), { code: 'wrong-election' });
      assert.deepEqual((await knownTo(client)).evidence, []);
    });

    it('names a fork between two checkpoints that it can compare with nothing of its own', async (t) => {
      const place = await startPlace(t);
      const client = await clientOf(t, (await start(t, place)).address);
      const [one, other] = [1, 2].map((byte) =>
        signCheckpoint(
          { origin: origin(place.log.electionId), size: 500, root: new Uint8Array(32).fill(byte) },
          AUTHORITY,
          publicKeyOf(AUTHORITY),
        ),
      ) as [string, string];
      const given = { observer: null, evidence: [] };
      assert.equal((await client.exchange({ ...given, checkpoint: one })).evidence.length, 0);
      assert.equal((await client.exchange({ ...given, checkpoint: other })).evidence.length, 1);
    });
  });
}

/** Evidence of a fork, of an election of its own. */
async function forkOfAnother(t: TestContext): Promise<string> {
  const place = await startPlace(t);
  const genesis = (await place.log.store.entry(0)) as Uint8Array;
  const prefix = await place.log.proofs.prefix(4, place.log.head.size);
  const first = signCheckpoint(
    { origin: origin(place.log.electionId), size: 4, root: new Uint8Array(32).fill(9) },
    AUTHORITY,
    publicKeyOf(AUTHORITY),
  );
  const second = await place.log.proofs.newestCheckpoint();
  const text = formatEvidence({ kind: 'fork', genesis, first, second, ...prefix });
  assert.ok(parseEvidence(text).ok);
  return text;
}

describe('an observer that compares notes with a liar', () => {
  /** An observer that follows the place and asks a puppet, which answers as `answer` makes it. */
  async function asking(
    t: TestContext,
    answer: (honest: ExchangeAnswer, place: PollingPlace) => ExchangeAnswer | Promise<ExchangeAnswer>,
  ) {
    const place = await startPlace(t);
    const liar = await Puppet.start(t);
    const asPlace = await clientOf(t, place.address);
    liar.onExchange = async (given) => answer(await asPlace.exchange(given), place);
    const observer = await Watcher.start(t, place, { dial: [place.address], companions: [liar.address] });
    await observer.holds(place.log.head.size);
    return { place, liar, observer };
  }

  const lies: readonly {
    readonly name: string;
    readonly reason: RegExp;
    readonly lie: (honest: ExchangeAnswer, place: PollingPlace) => ExchangeAnswer | Promise<ExchangeAnswer>;
  }[] = [
    {
      name: 'shows a checkpoint that nobody signed',
      reason: /not good|not signed|signature/i,
      lie: (honest) => ({ ...honest, checkpoint: honest.checkpoint.replace(/.{8}\n$/, 'AAAAAAA=\n') }),
    },
    {
      name: 'shows a checkpoint of another election',
      reason: /not of the log|another election/,
      lie: (honest) => ({
        ...honest,
        checkpoint: signCheckpoint(
          { origin: 'psephos/other', size: 4, root: new Uint8Array(32) },
          AUTHORITY,
          publicKeyOf(AUTHORITY),
        ),
      }),
    },
    {
      name: 'proves nothing',
      reason: /does not prove/,
      lie: (honest) => ({ ...honest, prefix: null }),
    },
    {
      name: 'makes a proof up',
      reason: /can not prove/,
      lie: (honest) => ({
        ...honest,
        prefix: { root: new Uint8Array(32).fill(1), proof: [new Uint8Array(32).fill(2)] },
      }),
    },
    {
      name: 'passes on a cosigned checkpoint that nobody signed',
      reason: /not good/,
      lie: (honest) => ({ ...honest, cosigned: ['psephos/x\n1\nAAAA\n\n— x AAAA\n'] }),
    },
  ];
  for (const { name, reason, lie } of lies) {
    it(`says of one that ${name} that it is not to be believed, and accuses nobody else`, async (t) => {
      const { observer, liar } = await asking(t, lie);
      const bad = await observer.event('bad-source');
      assert.equal(bad.peer, liar.address);
      assert.match(bad.reason, reason);
      assert.deepEqual(observer.observer.alarms, []);
      assert.equal(observer.count('defect'), 0);
      // It goes on, and nobody is told of it again.
      for (let round = 0; round < 3; round++) await observer.observer.compareNotes();
      assert.equal(observer.count('bad-source'), 1);
    });
  }

  it('learns no cosigner and no address from one that makes them up', async (t) => {
    const victim = observerKey(1);
    const { observer } = await asking(t, (honest) => ({
      ...honest,
      cosigned: [
        withCosignatures(honest.checkpoint, [
          {
            line: cosign({ text: honest.checkpoint }, observerKey(2), NOW()).replace(
              cosignerName(observerKey(2).publicKey),
              cosignerName(victim.publicKey),
            ),
          },
        ]),
      ],
      observers: [addressOf(victim)],
    }));
    for (let round = 0; round < 3; round++) await observer.observer.compareNotes();
    const known = observer.observer.desk.observers.map(({ address }) => toHex(address.key));
    assert.ok(!known.includes(toHex(victim.publicKey)));
    assert.equal(observer.count('observer-known'), 0);
  });

  it('comes back to the organiser, however many made-up observers stall', async (t) => {
    const place = await startPlace(t);
    const stalled = new Set<Socket>();
    const stall = createServer((socket) => {
      socket.on('error', () => undefined);
      stalled.add(socket);
    });
    stall.listen(0, '::1');
    await once(stall, 'listening');
    cleanUp(t, () => {
      stall.close();
      for (const socket of stalled) socket.destroy();
    });
    const observer = await Watcher.start(t, place, {
      dial: [place.address],
      dialling: { timeoutMs: 500 },
    });
    await observer.event('cosigned');
    const client = await clientOf(t, observer.address);
    const made = Array.from({ length: 40 }, (_, number) => observerKey(number));
    const text = await place.log.proofs.newestCheckpoint();
    const { port } = stall.address() as AddressInfo;
    const addresses = new Set<string>();
    for (const key of made) {
      const [address = ''] = addressOf(key, port).addresses;
      const here = address.replace('2001:db8::7', '::1');
      addresses.add(here);
      await client.exchange({
        checkpoint: withCosignatures(text, [{ line: cosign({ text }, key, NOW()) }]),
        observer: { key: key.publicKey, addresses: [here] },
        evidence: [],
      });
    }
    assert.equal(observer.observer.desk.observers.length, made.length + 1);
    const { address: organiser } = place;
    await place.hangUp();
    const isMadeUp = ({ peer }: { readonly peer: string }) => addresses.has(peer);
    const lost = () =>
      observer.events.filter((event) => event.type === 'source-lost' && event.peer === organiser).length;
    // It was followed, and then it was dialled once more.
    await observer.until(() => lost() > 1, 'nobody answers at the organiser');
    await place.listen();
    await castAll(place, 3, 6);
    await observer.holds(place.log.head.size);
    const waitedFor = observer.events.filter((event) => event.type === 'source-lost' && isMadeUp(event));
    assert.ok(waitedFor.length < made.length / 2, `${waitedFor.length} of ${made.length} were waited for`);
  });

  it('hears of a fork from others, however many stall', async (t) => {
    const place = await startPlace(t);
    const copy = await copyOf(t, place);
    const existing = place.voters;
    const one = await PollingPlace.start(t, { ...KEYS_ONLY, folder: place.folder, existing });
    const other = await PollingPlace.start(t, { ...KEYS_ONLY, folder: copy, existing });
    await castAll(one, 3, 6, 0);
    await castAll(other, 3, 9, 1);
    const witness = await Watcher.start(t, other, { dial: [other.address] });
    await witness.holds(other.log.head.size);
    const stalling = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const puppet = await Puppet.start(t);
        puppet.onExchange = () => new Promise(() => undefined);
        return puppet;
      }),
    );
    const observer = await Watcher.start(t, one, {
      dial: [one.address],
      companions: [...stalling.map(({ address }) => address), witness.address],
    });
    await observer.event('fork');
    // Both know now, and the log goes on.
    await witness.event('fork');
    await castAll(one, 6, 9, 0);
    await observer.holds(one.log.head.size);
    for (const { given } of stalling)
      assert.equal(given.length, 1, 'who has not answered is not asked again');
  });
});
