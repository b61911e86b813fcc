import assert from 'node:assert/strict';
import { type TestContext, describe, it } from 'node:test';
import { multiaddr } from '@multiformats/multiaddr';
import { decodeDagCbor, encodeDagCbor } from '#src/base/dag-cbor.js';
import { FrameStream } from '#src/net/frame.js';
import { startClientHost } from '#src/net/host.js';
import { dialPeer, parseDialTarget, parseStunServers, startNode } from '#src/net/index.js';
import { DEADLINES } from '#src/net/limits.js';
import { PUNCH } from '#src/net/punch/constants.js';
import { loadWebRtc } from '#src/net/punch/native.js';
import { cleanUp } from '../../support/cleanup.ts';
import { FakeService, noDefect, sampleInfo } from '../support.ts';

const OFFER = {
  name: 'OQEj',
  password: 'AUOOEIJTFLnKvxRlXmWtV/',
  certificate: new Uint8Array(32),
  candidates: [{ ip: '44.1.1.1', port: 4000 }],
};

async function punchingNode(t: TestContext): Promise<string> {
  const node = await startNode({
    listen: [{ address: '/ip6/::1/tcp/0' }],
    service: new FakeService(),
    onDefect: noDefect,
    punch: { stun: [] },
  });
  cleanUp(t, () => node.stop());
  return node.addresses()[0] ?? '';
}

/** What a node answers to a request for a direct way on a direct connection. */
async function answerTo(t: TestContext, request: unknown): Promise<unknown> {
  const address = await punchingNode(t);
  const host = await startClientHost(5_000);
  cleanUp(t, () => host.stop());
  const connection = await host.dial(multiaddr(address));
  const frames = new FrameStream(await connection.newStream(PUNCH.id), {
    maxBytes: 4096,
    deadlines: DEADLINES,
  });
  await frames.write(encodeDagCbor(request));
  const answer = decodeDagCbor((await frames.read(5_000)) ?? new Uint8Array(), 4096);
  assert.ok(answer.ok);
  return answer.value;
}

describe('a node that helps peers to direct ways', () => {
  it('sends no packets for somebody who is connected directly', async (t) => {
    const answer = await answerTo(t, { offer: OFFER });
    assert.deepEqual(answer, {
      error: { code: 'malformed', message: 'A direct way is made once, for a connection through a relay.' },
    });
  });

  it('refuses what is no request', async (t) => {
    const answer = (await answerTo(t, { offer: { ...OFFER, name: 'a\r\nb' } })) as {
      error: { code: string };
    };
    assert.equal(answer.error.code, 'malformed');
  });

  it('is dialled directly as ever by who looks for direct ways too', async (t) => {
    const client = await dialPeer(parseDialTarget(await punchingNode(t)), { punch: { stun: [] } });
    cleanUp(t, () => client.close());
    assert.equal(client.way.path, 'direct-ip6');
    assert.deepEqual(await client.info(), sampleInfo());
  });
});

describe('a program that is to look for direct ways', () => {
  it('says what to install where the native part is missing', async () => {
    await assert.rejects(
      loadWebRtc('psephos-no-such-package'),
      (error: Error & { code?: string; hint?: string }) => {
        assert.equal(error.code, 'webrtc-missing');
        assert.match(error.hint ?? '', /npm install --no-save node-datachannel@/);
        return true;
      },
    );
  });

  it('reads the STUN servers that it is to ask', () => {
    assert.deepEqual(parseStunServers(['stun.example.org:3478', '[2001:db8::5]:3478', '203.0.113.5:19302']), [
      { hostname: 'stun.example.org', port: 3478 },
      { hostname: '2001:db8::5', port: 3478 },
      { hostname: '203.0.113.5', port: 19302 },
    ]);
  });

  for (const text of [
    '',
    'stun.example.org',
    'stun:stun.example.org:3478',
    'a:0',
    'a:65536',
    '[fe80]:1',
    'a b:1',
    '2001:db8::5:3478',
  ]) {
    it(`refuses ${JSON.stringify(text)} for one`, () => {
      assert.throws(() => parseStunServers([text]), { code: 'bad-stun-server' });
    });
  }
});
