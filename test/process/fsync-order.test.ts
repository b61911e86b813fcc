import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { encodeSignedBallot, signBallot } from '#src/election/ballot.js';
import { parseDialTarget } from '#src/net/invite.js';
import { dialPeer } from '#src/net/peer-client.js';
import { meetElection } from '#src/services/voter-session.js';
import { needs } from '../support/needs.ts';
import { organise, startAdmin } from '../support/organised-election.ts';
import { tempFolder, testSeed } from '../support/temp-election.ts';
import { cleanUp } from '../support/cleanup.ts';

describe('an acknowledgement', () => {
  it('leaves for the voter only after fdatasync of the batch that holds the ballot', async (t) => {
    const strace = spawnSync('strace', ['-V']).status === 0;
    if (!needs(t, 'strace (Linux)', strace)) return;
    const election = await organise(await tempFolder(t), 3);
    const trace = join(election.folder, 'trace.txt');
    const calls = 'trace=fdatasync,fsync,write,writev,sendto,sendmsg,accept4,read';
    const { admin, address } = await startAdmin(election, {
      under: ['strace', '-D', '-f', '-y', '-ttt', '-e', calls, '-o', trace],
    });
    cleanUp(t, () => admin.kill('SIGKILL'));

    const client = await dialPeer(parseDialTarget(address));
    const known = await meetElection(client);
    assert.ok(known.round);
    const round = known.round.cid;
    const ballots = [0, 1, 2].map((voter) =>
      encodeSignedBallot(signBallot({ form: 'open', round, number: 1, choices: [[0]] }, testSeed(voter))),
    );
    const sizes: number[] = [];
    for (const ballot of ballots) sizes.push((await client.cast(ballot)).length);
    await client.close();
    const { pid } = admin;
    await admin.kill('SIGINT');

    const events = parseTrace(await wholeTrace(trace, pid), Math.min(...sizes));
    // Each receipt is larger than anything else the node sends once the voter knows the election, so the last writes
    // of that size to a socket are the acknowledgements.
    const receipts = events.flatMap((event, at) => (event === 'receipt' ? [at] : [])).slice(-ballots.length);
    assert.equal(receipts.length, ballots.length, 'each receipt is seen on the wire');
    let after = 0;
    for (const at of receipts) {
      const between = events.slice(after, at);
      assert.ok(between.includes('sync'), `a receipt left without a sync before it: ${events.join(' ')}`);
      after = at + 1;
    }
  });
});

/** The trace once its last line is there: strace runs beside the program, and outlives it for a moment. */
async function wholeTrace(path: string, pid: number): Promise<string> {
  for (;;) {
    const text = await readFile(path, 'utf8');
    if (text.includes(`${pid} `) && /\+\+\+ (?:exited|killed)[^\n]*\n$/.test(text)) return text;
    await setTimeout(20);
  }
}

/** The trace as a sequence of finished syncs of LevelDB's log and of writes to a socket that are as large as a receipt. */
function parseTrace(text: string, receiptBytes: number): string[] {
  const syncing = new Set<string>();
  const events: string[] = [];
  for (const line of text.split('\n')) {
    const [pid = ''] = line.split(' ');
    if (/f(?:data)?sync\(\d+<[^>]*\/log\/\d+\.log>/.test(line)) {
      if (line.includes('<unfinished')) syncing.add(pid);
      else events.push('sync');
    } else if (/f(?:data)?sync resumed/.test(line) && syncing.delete(pid)) {
      events.push('sync');
    } else if (/(?:write|writev|sendto|sendmsg)\(\d+<(?:TCP|socket)/.test(line)) {
      const sent = Number(/= (\d+)$/.exec(line)?.[1] ?? 0);
      if (sent >= receiptBytes) events.push('receipt');
    }
  }
  return events;
}
