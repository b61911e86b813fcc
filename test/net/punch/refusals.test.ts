import assert from 'node:assert/strict';
import { type TestContext, describe, it } from 'node:test';
import type { Connection } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import * as z from 'zod';
import { decodeDagCbor, encodeDagCbor } from '#src/base/dag-cbor.js';
import { dialThrough } from '#src/net/circuit/dial.js';
import { FrameStream } from '#src/net/frame.js';
import { startClientHost } from '#src/net/host.js';
import { dialPeer, parseDialTarget, parseStunServers, startNode } from '#src/net/index.js';
import { DEADLINES } from '#src/net/limits.js';
import { PUNCH, punchAnswerSchema } from '#src/net/punch/constants.js';
import { loadWebRtc } from '#src/net/punch/native.js';
import { cleanUp } from '../../support/cleanup.ts';
import { needsWebRtc } from '../../support/needs-webrtc.ts';
import { QUICK, testRelay } from '../circuit/support.ts';
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
    if (!(await needsWebRtc(t))) return;
    const answer = await answerTo(t, { offer: OFFER });
    assert.deepEqual(answer, {
      error: { code: 'malformed', message: 'A direct way is made once, for a connection through a relay.' },
    });
  });

  it('refuses what is no request', async (t) => {
    if (!(await needsWebRtc(t))) return;
    const answer = (await answerTo(t, { offer: { ...OFFER, name: 'a\r\nb' } })) as {
      error: { code: string };
    };
    assert.equal(answer.error.code, 'malformed');
  });

  it('is dialled directly as ever by who looks for direct ways too', async (t) => {
    if (!(await needsWebRtc(t))) return;
    const client = await dialPeer(parseDialTarget(await punchingNode(t)), { punch: { stun: [] } });
    cleanUp(t, () => client.close());
    assert.equal(client.way.path, 'direct-ip6');
    assert.deepEqual(await client.info(), sampleInfo());
  });
});

/** A node behind a relay, and a connection to it through that. */
async function relayedConnection(t: TestContext): Promise<Connection> {
  const { target } = await testRelay(t);
  const node = await startNode({
    listen: [{ address: '/ip6/::1/tcp/0' }],
    onDefect: noDefect,
    relays: { targets: [target], onEvent: () => undefined, timing: QUICK },
    punch: { stun: [] },
  });
  cleanUp(t, () => node.stop());
  const host = await startClientHost(5_000);
  cleanUp(t, () => host.stop());
  const relay = await host.dial(multiaddr(target.addresses[0] ?? ''));
  return dialThrough(host, relay, node.peerId, AbortSignal.timeout(10_000));
}

describe('a node behind a relay', () => {
  it('answers requests for direct ways, three on each connection', async (t) => {
    if (!(await needsWebRtc(t))) return;
    const connection = await relayedConnection(t);
    const ask = async (): Promise<unknown> => {
      const stream = await connection.newStream(PUNCH.id, { runOnLimitedConnection: true });
      const frames = new FrameStream(stream, { maxBytes: 4096, deadlines: DEADLINES });
      await frames.write(encodeDagCbor({ offer: OFFER }));
      const answer = decodeDagCbor((await frames.read(10_000)) ?? new Uint8Array(), 4096);
      await frames.close();
      assert.ok(answer.ok);
      return answer.value;
    };
    for (let times = 0; times < 3; times++) {
      const answer = z.strictObject({ ok: punchAnswerSchema }).parse(await ask());
      assert.ok(answer.ok.answer.candidates.length <= 4);
    }
    assert.deepEqual(await ask(), {
      error: { code: 'malformed', message: 'A direct way is made once, for a connection through a relay.' },
    });
    assert.equal(connection.status, 'open');
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
