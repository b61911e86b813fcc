import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { runVerifyLog } from '#src/cli/verify-log.js';
import { publicKeyOf } from '#src/crypto/signature.js';
import { encodeSignedBallot, signBallot } from '#src/election/ballot.js';
import { peerIdOf } from '#src/net/index.js';
import { PeerRefusal, type ReadService } from '#src/services/ports.js';
import { capturedIo } from '../support/captured-io.ts';
import { PollingPlace } from '../support/polling-place.ts';
import { jsonLines } from '../support/processes.ts';
import { type CopyOptions, copiedFolder, serveCopy } from '../support/served-copy.ts';
import { tempFolder, testSeed } from '../support/temp-election.ts';

async function verify(...argv: string[]) {
  const io = capturedIo();
  const code = await runVerifyLog([...argv, '--json'], io);
  const lines = jsonLines(io.out());
  const failure = lines.find((line) => 'error' in line)?.['error'] as { code?: string } | undefined;
  const peers = lines.filter(({ event }) => event === 'peer');
  return {
    code,
    lines,
    people: io.err(),
    failure: failure?.code,
    last: io.err().trimEnd().split('\n').at(-1) ?? '',
    agreeing: peers.filter(({ agrees }) => agrees === true),
    leftOut: peers.filter(({ agrees }) => agrees === false),
    verdict: lines.at(-1),
  };
}

/** Ballots of the voters `from` up to, not including, `to`. */
async function castAll(place: PollingPlace, from: number, to: number): Promise<void> {
  const { round } = place.log.state;
  if (round === undefined) throw new Error('no round is open');
  const ballots = Array.from({ length: to - from }, (_, i) => {
    const choices = [[i % 3]];
    return signBallot({ form: 'open', round: round.cid, number: 1, choices }, testSeed(from + i));
  });
  await Promise.all(ballots.map((ballot) => place.station.cast(encodeSignedBallot(ballot))));
}

/** More than one part of the log holds. */
const BALLOTS = 590;
const SIZE = BALLOTS + 3;
/** What `short` copies have. */
const SHORT = 300;

interface Copies {
  readonly electionId: string;
  /** Serves one of the copies. */
  readonly serve: (options?: CopyOptions & { readonly short?: boolean }) => Promise<string>;
}

/** An election whose organiser is gone, and of which there are copies, the short ones from before its end. */
async function copies(t: TestContext): Promise<Copies> {
  const place = await PollingPlace.start(t, { voters: BALLOTS + 10, secrets: false });
  await castAll(place, 0, SHORT - 3);
  await place.stop();
  const short = await copiedFolder(t, place);
  const again = await PollingPlace.start(t, { existing: place.voters, open: false, folder: place.folder });
  await castAll(again, SHORT - 3, BALLOTS);
  await again.stop();
  const whole = join(place.folder, 'election');
  return {
    electionId: place.log.electionId,
    serve: async ({ short: isShort = false, ...options } = {}) => {
      const folder = await tempFolder(t);
      await cp(isShort ? short : whole, folder, { recursive: true });
      return serveCopy(t, folder, options);
    },
  };
}

const nameOf = ({ name }: Record<string, unknown>) => String(name);

describe('verify-log on several peers', () => {
  it('reads one log from all of them, and is done when they agree', async (t) => {
    const { serve, electionId } = await copies(t);
    const peers = await Promise.all([serve(), serve({ short: true }), serve()]);
    const audited = await verify(...peers, '--election', electionId);
    assert.equal(audited.code, 0, audited.people);
    assert.deepEqual(audited.agreeing.map(nameOf).sort(), [...peers].sort());
    assert.deepEqual(audited.agreeing.map(({ size }) => size).sort(), [SHORT, SIZE, SIZE]);
    assert.deepEqual([audited.verdict?.['event'], audited.verdict?.['size']], ['verdict', SIZE]);
    assert.match(audited.last, new RegExp(`^VALID: ${SIZE} entries`));
    assert.match(audited.people, /read from observers/);
  });

  it('names and leaves out peers that lie or refuse, and takes what they owe from another', async (t) => {
    const { serve } = await copies(t);
    const liars: Record<string, (service: ReadService) => Partial<ReadService>> = {
      'Its entries \\d+ to \\d+ are not those that the authority signed for': (service) => ({
        async *entries(from, to) {
          for await (const chunk of service.entries(from, to))
            yield chunk.map((entry, at) => (at === 5 ? entry.slice(1) : entry));
        },
      }),
      'It sent \\d+ entries where \\d+ were asked for': (service) => ({
        entries: (from, to = SIZE) => service.entries(from, to === 1 ? 1 : to - 1),
      }),
      'It is gone': (service) => ({
        entries: (from, to) => {
          if (to === 1) return service.entries(from, to);
          throw new PeerRefusal('not-found', 'It is gone.');
        },
      }),
      'It can not prove how its log of \\d+ entries begins': (service) => ({
        consistency: async (first, second) => ({ ...(await service.consistency(first, second)), proof: [] }),
      }),
      'A checkpoint that it has stored is not good': (service) => ({
        async *checkpoints(from) {
          for await (const text of service.checkpoints(from)) yield text.replace(/\n\d+\n/, '\n7\n');
        },
      }),
      'Its newest checkpoint is not good': (service) => ({
        latestCheckpoint: async () => (await service.latestCheckpoint())?.replace(/\n\d+\n/, '\n9000\n'),
      }),
    };
    const honest = await serve();
    for (const [reason, misbehave] of Object.entries(liars)) {
      // A liar alone would be asked first; beside an honest one it is asked at least once.
      const liar = await serve({ misbehave });
      const audited = await verify(liar, honest);
      assert.equal(audited.code, 0, audited.people);
      assert.deepEqual(audited.leftOut.map(nameOf), [liar], audited.people);
      assert.match(String(audited.leftOut[0]?.['reason']), new RegExp(reason));
      assert.match(audited.people, /LEFT OUT/);
      assert.equal(audited.verdict?.['size'], SIZE);
    }
  });

  it('audits what is given where nobody gives what was signed for, and says so', async (t) => {
    const { serve } = await copies(t);
    const withholding = await serve({
      misbehave: (service) => ({
        async *entries(from, to) {
          if (to === undefined || to > SHORT)
            throw new PeerRefusal('not-found', 'That is nobody’s business.');
          yield* service.entries(from, to);
        },
      }),
    });
    const honest = await serve({ short: true });
    const audited = await verify(withholding, honest);
    assert.equal(audited.code, 0, audited.people);
    assert.deepEqual(
      audited.lines.find(({ event }) => event === 'withheld'),
      { event: 'withheld', signed: SIZE, size: SHORT },
    );
    assert.match(
      audited.people,
      /NOTE: The authority signed for 593 entries, and nobody gave those after 300/,
    );
    assert.match(audited.last, /^VALID: 300 entries/);
    const alone = await verify(withholding, '/ip6/::1/tcp/9');
    assert.deepEqual([alone.code, alone.failure], [3, 'withheld'], alone.people);
  });

  it('leaves out a peer of another election, and one that can’t be reached', async (t) => {
    const place = await PollingPlace.start(t, { voters: 3, secrets: false });
    const other = await PollingPlace.start(t, { voters: 2, secrets: false });
    const deaf = `/ip6/::1/tcp/9/p2p/${peerIdOf(publicKeyOf(testSeed(90)))}`;
    for (const named of [[place.address, '--election', place.log.electionId], [place.invite]]) {
      const audited = await verify(other.address, deaf, ...named);
      assert.equal(audited.code, 0, audited.people);
      assert.deepEqual(audited.leftOut.map(({ why }) => why).sort(), ['no-answer', 'other-election']);
      assert.match(audited.people, /LEFT OUT .* another election/);
      assert.match(audited.people, /✓ It is the election that was expected/);
    }
    const unsaid = await verify(place.address, other.address);
    assert.deepEqual([unsaid.code, unsaid.failure], [2, 'which-election']);
    assert.ok(unsaid.people.includes(place.log.electionId) && unsaid.people.includes(other.log.electionId));
    const contrary = await verify(place.invite, other.invite);
    assert.deepEqual([contrary.code, contrary.failure], [2, 'wrong-election']);
    assert.equal((await verify(deaf, 'psephos:nonsense')).code, 2);
    assert.equal((await verify(deaf, '/ip6/::1/tcp/9')).code, 3);
    assert.equal((await verify(place.address, place.folder)).code, 2);
  });
});
