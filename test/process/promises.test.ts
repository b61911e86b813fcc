import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { sha256 } from '#src/crypto/hash.js';
import { encodeSignedBallot, signBallot } from '#src/election/ballot.js';
import { origin } from '#src/log/checkpoint.js';
import { decodeEntry } from '#src/log/entry-codec.js';
import { openPromise } from '#src/log/promise.js';
import { parseReceipt } from '#src/log/receipt.js';
import { parseDialTarget } from '#src/net/invite.js';
import { dialPeer } from '#src/net/peer-client.js';
import { type KnownElection, meetElection } from '#src/services/voter-session.js';
import { openSnapshot } from '#src/store/level-source.js';
import { cleanUp } from '../support/cleanup.ts';
import { needs } from '../support/needs.ts';
import { type OrganisedElection, organise, startAdmin } from '../support/organised-election.ts';
import { run } from '../support/processes.ts';
import { valueOf } from '../support/results.ts';
import { tempFolder, testSeed } from '../support/temp-election.ts';

const VOTERS = 24;
/** Enough for clients to outlast a restart. */
const RETRIES = 12;

function ballotOf({ round }: KnownElection, voter: number): Uint8Array {
  assert.ok(round);
  const ballot = { form: 'open', round: round.cid, number: 1, choices: [[voter % 3]] } as const;
  return encodeSignedBallot(signBallot(ballot, testSeed(voter)));
}

/** The bytes of the ballots in the log, in hex, in its order. */
async function loggedBallots({ data }: OrganisedElection): Promise<string[]> {
  const source = await openSnapshot(data);
  const found: string[] = [];
  try {
    for await (const chunk of source.entries(0)) {
      for (const bytes of chunk) {
        const entry = valueOf(decodeEntry(bytes));
        if (entry.kind === 'ballot') found.push(hex(encodeSignedBallot(entry.ballot)));
      }
    }
  } finally {
    await source.close();
  }
  return found;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('a power cut between the promise and the receipt', () => {
  it('costs a voter nothing: the ballot, sent again, is in the log once and has its receipt', async (t) => {
    const strace = spawnSync('strace', ['-V']).status === 0;
    if (!needs(t, 'strace (Linux)', strace)) return;
    const election = await organise(await tempFolder(t), 1);
    // The disk is so slow that the batch is not on it when the program is killed, whatever else this machine does. Only ballots go to
    // LevelDB's numbered logs: the start is as fast as ever.
    const slow = ['-e', 'trace=fdatasync', '-e', 'inject=fdatasync:delay_enter=30000000', '-o', '/dev/null'];
    const logs = Array.from({ length: 100 }, (_, number) => [
      '-P',
      join(election.data, 'log', `${String(number).padStart(6, '0')}.log`),
    ]);
    const under = ['strace', '-D', '-f', ...slow, ...logs.flat()];
    const { admin, address, port } = await startAdmin(election, { under });
    cleanUp(t, () => admin.kill('SIGKILL'));
    const client = await dialPeer(parseDialTarget(address), { retries: RETRIES });
    cleanUp(t, () => client.close());
    const known = await meetElection(client);
    const ballot = ballotOf(known, 0);

    const events: string[] = [];
    let promise = '';
    const cast = client.cast(ballot, (text) => {
      promise = text;
      events.push('promise');
      if (events.length === 1) void admin.kill('SIGKILL');
    });
    void cast.then(
      () => events.push('receipt'),
      () => events.push('failure'),
    );
    await admin.finished;
    assert.deepEqual(events, ['promise']);
    const key = { origin: origin(known.electionId), publicKey: known.genesis.authority };
    assert.deepEqual(valueOf(openPromise(promise, key)).ballotHash, sha256(ballot));

    const again = await startAdmin(election, { port });
    cleanUp(t, () => again.admin.kill('SIGKILL'));
    const receipt = valueOf(parseReceipt(await cast));
    assert.equal((await again.admin.kill('SIGINT')).code, 0);
    assert.deepEqual(await loggedBallots(election), [hex(ballot)]);
    const entry = valueOf(decodeEntry(receipt.extra ?? new Uint8Array()));
    assert.equal(entry.seq, receipt.index);
    const audit = await run('verify-log', [election.data]);
    assert.equal(audit.code, 0, audit.stdout + audit.stderr);
  });

  it(`loses no promised ballot of ${VOTERS} that are cast at once, each sent again by its client`, async (t) => {
    const election = await organise(await tempFolder(t), VOTERS);
    const first = await startAdmin(election);
    cleanUp(t, () => first.admin.kill('SIGKILL'));
    const promised = new Set<number>();
    const ballots: Uint8Array[] = [];
    const casts = Array.from({ length: VOTERS }, async (_, voter) => {
      const client = await dialPeer(parseDialTarget(first.address), { retries: RETRIES });
      try {
        const ballot = ballotOf(await meetElection(client), voter);
        ballots[voter] = ballot;
        return await client.cast(ballot, () => {
          promised.add(voter);
          // Some are in the log by then, some are on their way, and some were not sent yet.
          if (promised.size === VOTERS / 2) void first.admin.kill('SIGKILL');
        });
      } finally {
        await client.close();
      }
    });
    const receipts = Promise.all(casts);
    // It is looked at below; until the program runs again nothing can be said of it.
    receipts.catch(() => undefined);
    await first.admin.finished;
    const again = await startAdmin(election, { port: first.port });
    cleanUp(t, () => again.admin.kill('SIGKILL'));
    const indexes = (await receipts).map((text) => valueOf(parseReceipt(text)).index);
    assert.equal(new Set(indexes).size, VOTERS);
    assert.equal((await again.admin.kill('SIGINT')).code, 0);
    assert.ok(promised.size >= VOTERS / 2);
    assert.deepEqual((await loggedBallots(election)).sort(), ballots.map(hex).sort());
  });
});

describe('admin close, by a second process, while voters cast', () => {
  it('comes after every ballot that was promised', async (t) => {
    const election = await organise(await tempFolder(t), VOTERS);
    const { admin, address } = await startAdmin(election);
    cleanUp(t, () => admin.kill('SIGKILL'));
    const promised = new Set<string>();
    let go: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => {
      go = resolve;
    });
    const refusedBy: unknown[] = [];
    const lanes = Array.from({ length: VOTERS }, async (_, voter) => {
      const client = await dialPeer(parseDialTarget(address), { retries: RETRIES });
      try {
        const { round } = await meetElection(client);
        assert.ok(round);
        for (let number = 1; ; number++) {
          const ballot = { form: 'open', round: round.cid, number, choices: [[voter % 3]] } as const;
          const bytes = encodeSignedBallot(signBallot(ballot, testSeed(voter)));
          await client.cast(bytes, () => {
            promised.add(hex(bytes));
            if (promised.size === 4 * VOTERS) go();
          });
        }
      } catch (error) {
        refusedBy.push(error);
      } finally {
        await client.close();
      }
    });
    await begun;
    const closed = await run('admin', [...election.common, 'close']);
    assert.equal(closed.code, 0, closed.stderr);
    await Promise.all(lanes);
    assert.deepEqual(
      refusedBy.map((error) => (error as { code?: string }).code),
      Array.from({ length: VOTERS }, () => 'closed'),
    );
    assert.equal((await admin.kill('SIGINT')).code, 0);
    const logged = new Set(await loggedBallots(election));
    assert.ok([...promised].every((ballot) => logged.has(ballot)));
    assert.equal(logged.size, promised.size);
  });
});
