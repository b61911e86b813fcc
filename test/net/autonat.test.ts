import assert from 'node:assert/strict';
import { type TestContext, describe, it } from 'node:test';
import { publicKeyToProtobuf } from '@libp2p/crypto/keys';
import { multiaddr } from '@multiformats/multiaddr';
import type { Libp2p } from 'libp2p';
import {
  type DialResponse,
  AUTONAT,
  decodeDial,
  decodeResponse,
  encodeDial,
  encodeResponse,
} from '#src/net/autonat/messages.js';
import { askReach } from '#src/net/autonat/client.js';
import { DialBackServer } from '#src/net/autonat/server.js';
import { channelOn } from '#src/net/circuit/channel.js';
import { encodeFields } from '#src/net/circuit/protobuf.js';
import { startServingHost } from '#src/net/host.js';
import { keyPairOf } from '#src/net/identity.js';
import type { DialBackLimits } from '#src/net/limits.js';
import { cleanUp } from '../support/cleanup.ts';
import { testKey } from '../support/test-keys.ts';

interface Host {
  readonly host: Libp2p;
  /** Without peer id. */
  readonly address: string;
  readonly port: number;
  /** Connections that were made to it. */
  readonly dialled: () => number;
}

async function hostOn(t: TestContext, key: number, listen = '/ip6/::1/tcp/0'): Promise<Host> {
  let address = '';
  let dialled = 0;
  const host = await startServingHost({
    privateKey: await keyPairOf(testKey(key).seed),
    listen: [listen],
    handshakeMs: 5_000,
    refuseNewcomers: () => {
      dialled += 1;
      return false;
    },
    onListen: (_, { listener }) => (address = String(listener.getAddrs()[0])),
  });
  cleanUp(t, () => host.stop());
  return { host, address, port: Number(address.slice(address.lastIndexOf('/') + 1)), dialled: () => dialled };
}

async function helper(
  t: TestContext,
  limits: Partial<DialBackLimits> = {},
): Promise<Host & { target: { peerId: string; addresses: string[] } }> {
  const made = await hostOn(t, 95);
  await new DialBackServer(made.host, { everyMs: 0, dialMs: 5_000, ...limits }).start();
  return { ...made, target: { peerId: made.host.peerId.toString(), addresses: [made.address] } };
}

/** What a helper answers to a request as a test makes it. */
async function ask(
  from: Host,
  to: Host,
  id: Uint8Array,
  addresses: readonly string[],
): Promise<DialResponse> {
  const signal = AbortSignal.timeout(10_000);
  const connection = await from.host.dial(multiaddr(to.address), { signal });
  const channel = channelOn(await connection.newStream(AUTONAT, { signal }));
  await channel.write(encodeDial({ id, addresses: addresses.map((address) => multiaddr(address).bytes) }), {
    signal,
  });
  const response = await channel.read(decodeResponse, { signal });
  connection.abort(new Error('answered'));
  return response;
}

const IDENTIFY = '/ipfs/id/1.0.0';
const never = new AbortController().signal;

describe('a peer that asks whether it can be reached', () => {
  it('is told so where it can, and by which address it is seen', async (t) => {
    const [asking, asked] = [await hostOn(t, 96), await helper(t)];
    const found = await askReach(asking.host, asked.target, () => asking.port, never);
    assert.deepEqual(found, [
      { helper: asked.target.peerId, family: 'ip6', address: `/ip6/::1/tcp/${asking.port}`, reached: true },
    ]);
    assert.equal(asking.dialled(), 1);
  });

  it('is told so where nobody answers', async (t) => {
    const [asking, asked] = [await hostOn(t, 96), await helper(t)];
    const [found] = await askReach(asking.host, asked.target, () => 1, never);
    assert.equal(found?.reached, false);
  });

  it('learns nothing of a port on which another peer listens', async (t) => {
    const [asking, asked, other] = [await hostOn(t, 96), await helper(t), await hostOn(t, 97)];
    const [found] = await askReach(asking.host, asked.target, () => other.port, never);
    assert.equal(found?.reached, false);
  });

  it('believes nobody who sees it at an address of another kind than their own', async (t) => {
    const [asking, other] = [await hostOn(t, 96), await hostOn(t, 97)];
    let seenAs = '';
    await other.host.unhandle(IDENTIFY);
    await other.host.handle(IDENTIFY, async (stream) => {
      const { publicKey } = other.host.peerId;
      assert.ok(publicKey !== undefined);
      const said = encodeFields([
        [1, publicKeyToProtobuf(publicKey)],
        [4, multiaddr(seenAs).bytes],
      ]);
      await channelOn(stream).write(said, { signal: never });
      await stream.close();
    });
    await other.host.handle(AUTONAT, async (stream) => {
      await channelOn(stream).write(encodeResponse({ status: 'ok' }), { signal: never });
    });
    const found = async (seen: string) => {
      seenAs = seen;
      const target = { peerId: other.host.peerId.toString(), addresses: [other.address] };
      return (await askReach(asking.host, target, () => 4000, never)).map(({ address }) => address);
    };
    assert.deepEqual(await found('/ip6/::1/tcp/9'), ['/ip6/::1/tcp/4000']);
    for (const seen of ['/ip6/fd00::1/tcp/9', '/ip6/fe80::1/tcp/9', '/ip6/2a02::1/tcp/9'])
      assert.deepEqual(await found(seen), []);
  });

  it('hears nothing where nobody is, and where somebody does not do this', async (t) => {
    const [asking, other] = [await hostOn(t, 96), await hostOn(t, 97)];
    const peerId = other.host.peerId.toString();
    assert.deepEqual(
      await askReach(asking.host, { peerId, addresses: ['/ip6/::1/tcp/1'] }, () => 1, never),
      [],
    );
    assert.deepEqual(await askReach(asking.host, { peerId, addresses: [other.address] }, () => 1, never), []);
    assert.deepEqual(await askReach(asking.host, { peerId, addresses: [] }, () => 1, never), []);
  });
});

describe('a peer that dials back', () => {
  it('dials nobody else', async (t) => {
    const [asking, asked, victim] = [
      await hostOn(t, 96),
      await helper(t),
      await hostOn(t, 97, '/ip4/127.0.0.1/tcp/0'),
    ];
    const own = asking.host.peerId.toMultihash().bytes;
    for (const address of [
      victim.address,
      `/ip4/198.51.100.1/tcp/80`,
      '/dns/victim.example/tcp/80',
      '/ip6/::1/udp/53',
    ])
      assert.equal((await ask(asking, asked, own, [address])).status, 'dial-refused');
    assert.equal(
      (await ask(asking, asked, victim.host.peerId.toMultihash().bytes, [victim.address])).status,
      'bad-request',
    );
    assert.equal(victim.dialled(), 0);
  });

  it('dials one address of many', async (t) => {
    const [asking, asked] = [await hostOn(t, 96), await helper(t)];
    const own = asking.host.peerId.toMultihash().bytes;
    const many = ['/ip6/::1/tcp/1', asking.address, asking.address];
    assert.equal((await ask(asking, asked, own, many)).status, 'dial-error');
    assert.equal(asking.dialled(), 0);
  });

  it('does not dial one IP address again at once, whoever asks', async (t) => {
    const [asking, asked, other] = [
      await hostOn(t, 96),
      await helper(t, { everyMs: 60_000 }),
      await hostOn(t, 97),
    ];
    const [first] = await askReach(asking.host, asked.target, () => asking.port, never);
    const [second] = await askReach(other.host, asked.target, () => other.port, never);
    assert.deepEqual([first?.reached, second?.reached], [true, null]);
    assert.equal(other.dialled(), 0);
  });

  it('dials only so many at a time', async (t) => {
    const [asking, asked] = [await hostOn(t, 96), await helper(t, { atATime: 0 })];
    const [found] = await askReach(asking.host, asked.target, () => asking.port, never);
    assert.equal(found?.reached, null);
  });

  it('hangs up on who sends what is no question', async (t) => {
    const [asking, asked] = [await hostOn(t, 96), await helper(t)];
    const signal = AbortSignal.timeout(10_000);
    const connection = await asking.host.dial(multiaddr(asked.address), { signal });
    const channel = channelOn(await connection.newStream(AUTONAT, { signal }));
    await channel.write(Uint8Array.of(0xff, 0xff), { signal });
    await assert.rejects(channel.read(decodeResponse, { signal }));
  });
});

describe('messages of AutoNAT', () => {
  it('are as its specification has them', () => {
    const dial = Buffer.from(
      '080012100a0e0a04aabbccdd12064901020304ff'.replace('4901020304ff', '040102030406'),
      'hex',
    );
    const request = { id: Buffer.from('aabbccdd', 'hex'), addresses: [Buffer.from('040102030406', 'hex')] };
    assert.deepEqual(Buffer.from(encodeDial(request)), dial);
    const read = decodeDial(dial);
    assert.ok(read.ok);
    assert.deepEqual(
      { id: Buffer.from(read.value.id), addresses: read.value.addresses.map((one) => Buffer.from(one)) },
      request,
    );
    assert.deepEqual(
      Buffer.from(encodeResponse({ status: 'dial-refused', text: 'no' })),
      Buffer.from('08011a06086512026e6f', 'hex'),
    );
    assert.deepEqual(decodeResponse(Buffer.from('08011a0308ac02', 'hex')), {
      ok: true,
      value: { status: 'internal-error' },
    });
  });

  it('of other kinds are none', () => {
    for (const hex of ['', '08', '0800', '080112020a00', '08001200', '08021a00'])
      assert.equal(decodeDial(Buffer.from(hex, 'hex')).ok, false, hex);
    for (const hex of ['', '0800', '0801', '08011a0208ff'])
      assert.equal(decodeResponse(Buffer.from(hex, 'hex')).ok, false, hex);
  });
});
