import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeSignedBallot, signBallot } from '#src/election/ballot.js';
import { parseReceipt } from '#src/log/receipt.js';
import { parseDialTarget } from '#src/net/invite.js';
import { dialPeer } from '#src/net/peer-client.js';
import { PsephosError } from '#src/base/errors.js';
import { type PeerClient, PeerRefusal } from '#src/services/ports.js';
import { type KnownElection, meetElection } from '#src/services/voter-session.js';
import { openSnapshot } from '#src/store/level-source.js';
import { organise, startAdmin } from '../support/organised-election.ts';
import { jsonLines, run } from '../support/processes.ts';
import { tempFolder, testSeed } from '../support/temp-election.ts';
import { cleanUp } from '../support/cleanup.ts';

const KILLS = 20;
const CASTERS = 16;
/** Ballots acknowledged before each kill: enough that several batches are on their way. */
const ACKNOWLEDGED_BETWEEN = 60;
const VOTERS = 200;

interface Acknowledged {
  readonly index: number;
  readonly entry: Uint8Array;
}

describe('a power cut', () => {
  it(`loses no acknowledged ballot and counts nobody twice, ${KILLS} times under load`, async (t) => {
    const election = await organise(await tempFolder(t), VOTERS);
    const acknowledged: Acknowledged[] = [];
    const next = new Map<number, { number: number; bytes: Uint8Array }>();
    let port = 0;

    for (let kill = 0; kill < KILLS; kill++) {
      const { admin, address, port: bound } = await startAdmin(election, { port });
      port = bound;
      cleanUp(t, () => admin.kill('SIGKILL'));
      const goal = acknowledged.length + ACKNOWLEDGED_BETWEEN;
      let casting = true;
      const caster = async (mine: number) => {
        let client: PeerClient | undefined;
        try {
          client = await dialPeer(parseDialTarget(address), { retries: 0 });
          const known = await meetElection(client);
          for (let turn = 0; casting; turn++) {
            const voter = mine + CASTERS * (turn % Math.floor(VOTERS / CASTERS));
            const ballot = next.get(voter) ?? { number: 1, bytes: ballotOf(known, voter, 1, kill) };
            // Kept before it is sent: a ballot whose answer is lost is sent again, byte for byte.
            next.set(voter, ballot);
            const receipt = parseReceipt(await client.cast(ballot.bytes));
            assert.ok(receipt.ok && receipt.value.extra);
            acknowledged.push({ index: receipt.value.index, entry: receipt.value.extra });
            const number = ballot.number + 1;
            next.set(voter, { number, bytes: ballotOf(known, voter, number, kill) });
            if (acknowledged.length >= goal) void admin.kill('SIGKILL');
          }
        } catch (error) {
          // What a kill looks like from outside. A refusal is something else: it would mean a ballot was lost.
          if (error instanceof PeerRefusal || !(error instanceof PsephosError)) throw error;
        } finally {
          await client?.close();
        }
      };
      const casters = Promise.all(Array.from({ length: CASTERS }, (_, index) => caster(index)));
      await admin.finished;
      casting = false;
      await casters;
    }

    const source = await openSnapshot(election.data);
    cleanUp(t, () => source.close());
    const log: Uint8Array[] = [];
    for await (const chunk of source.entries(0)) log.push(...chunk);
    assert.ok(acknowledged.length >= KILLS * ACKNOWLEDGED_BETWEEN);
    for (const { index, entry } of acknowledged) assert.deepEqual(log[index], entry, `entry ${index}`);
    assert.equal(new Set(acknowledged.map(({ index }) => index)).size, acknowledged.length);

    const close = await run('admin', [...election.common, 'close']);
    assert.equal(close.code, 0, close.stderr);
    const audit = await run('verify-log', ['--json', election.data]);
    assert.equal(audit.code, 0, audit.stdout);
    const turnout = jsonLines(audit.stdout).find((line) => JSON.stringify(line).includes('"voted"'));
    assert.ok(turnout, 'the audit reports a turnout');
  });
});

function ballotOf(known: KnownElection, voter: number, number: number, answer: number): Uint8Array {
  assert.ok(known.round);
  const choices = [[answer % 3]];
  return encodeSignedBallot(
    signBallot({ form: 'open', round: known.round.cid, number, choices }, testSeed(voter)),
  );
}
