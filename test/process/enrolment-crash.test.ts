import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { CID } from 'multiformats/cid';
import { PsephosError } from '#src/base/errors.js';
import { encodeEnrolment, signEnrolment } from '#src/election/enrolment.js';
import { parseDialTarget } from '#src/net/invite.js';
import { dialPeer } from '#src/net/peer-client.js';
import { PeerRefusal } from '#src/services/ports.js';
import { meetElection } from '#src/services/voter-session.js';
import { cleanUp } from '../support/cleanup.ts';
import { type OrganisedElection, organise, startAdmin } from '../support/organised-election.ts';
import { jsonLines, run, start } from '../support/processes.ts';
import { tempFolder, testSeed } from '../support/temp-election.ts';

const KILLS = 6;
const VOTERS = 60;

describe('a power cut while voters enrol', () => {
  it(`loses no acknowledged key and binds nobody twice, ${KILLS} times under load`, async (t) => {
    const election = await organise(await tempFolder(t), VOTERS, []);
    const receipts = new Map<number, string>();
    let port = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const { admin, address, port: bound } = await startAdmin(election, { port });
      port = bound;
      cleanUp(t, () => admin.kill('SIGKILL'));
      const client = await dialPeer(parseDialTarget(address), { retries: 0 });
      const { electionId } = await meetElection(client);
      const goal = receipts.size + 6;
      const enrol = async (voter: number) => {
        const bytes = encodeEnrolment(
          signEnrolment(CID.parse(electionId), testSeed(voter), testSeed(1000 + voter)),
        );
        try {
          const receipt = await client.enrol(bytes);
          // What was acknowledged before the power went is acknowledged in the same words.
          assert.equal(receipt, receipts.get(voter) ?? receipt);
          receipts.set(voter, receipt);
          if (receipts.size >= goal) void admin.kill('SIGKILL');
        } catch (error) {
          // A refusal would mean that a key was bound which its voter can't get a receipt for.
          if (error instanceof PeerRefusal || !(error instanceof PsephosError)) throw error;
        }
      };
      const upTo = Math.min(VOTERS, goal + 6);
      for (const voter of receipts.keys()) await enrol(voter);
      const others = Array.from({ length: upTo }, (_, voter) => voter).filter(
        (voter) => !receipts.has(voter),
      );
      await Promise.all(others.map(enrol));
      await admin.kill('SIGKILL');
      await client.close();
    }
    assert.ok(receipts.size >= 6 * KILLS);
    const status = jsonLines(
      (await run('admin', [...election.common, 'status', '--enrolled', '--json'])).stdout,
    );
    const enrolled = new Set(status.flatMap(({ event, voter }) => (event === 'enrolled' ? [voter] : [])));
    for (const voter of receipts.keys()) assert.ok(enrolled.has(`v${voter}`), `v${voter}`);
    const audit = await run('verify-log', ['--json', election.data]);
    assert.equal(audit.code, 0, audit.stderr);
    assert.equal(jsonLines(audit.stdout).at(-1)?.['enrolled'], enrolled.size);
  });

  it("the voter's program finishes after the organiser's was killed, with the key file that it made", async (t) => {
    const folder = await tempFolder(t);
    const made = await withSecrets(folder);
    const { admin, address } = await startAdmin(made);
    cleanUp(t, () => admin.kill('SIGKILL'));
    await admin.kill('SIGKILL');
    const enrol = (to: string) => [
      ...['enrol', '--dial', to, '--username', 'ana', '--secret-file', join(folder, 'ana.secret')],
      ...['--key-file', join(folder, 'ana.key'), '--receipt', join(folder, 'ana.tlog-proof')],
      ...['--yes', '--json', '--wait', '60'],
    ];
    const port = /tcp\/(\d+)/.exec(address)?.[1];
    const voter = start('voter', enrol(address), { cwd: folder });
    cleanUp(t, () => voter.kill('SIGKILL'));
    await voter.waitFor(/Trying again/);
    const again = await startAdmin(made, { port: Number(port) });
    cleanUp(t, () => again.admin.kill('SIGKILL'));
    const finished = await voter.finished;
    assert.equal(finished.code, 0, finished.stderr);
    await again.admin.waitFor(/ana enrolled a key of their own \(1 of 2 voters have\)/);
    const status = await run('admin', [...made.common, 'status', '--enrolled']);
    assert.match(status.stdout, /Enrolled {5}1 of 2 voters made a key of their own[^]*Enrolled {5}ana\n/);
    assert.doesNotMatch(status.stdout, /ben/);
    const receipt = await readFile(join(folder, 'ana.tlog-proof'), 'utf8');
    await again.admin.kill('SIGKILL');
    const third = await startAdmin(made, { port: Number(port) });
    cleanUp(t, () => third.admin.kill('SIGKILL'));
    const repeated = await run('voter', enrol(third.address), { cwd: folder });
    assert.equal(repeated.code, 0, repeated.stderr);
    assert.match(repeated.stderr, /Done before/);
    assert.equal(await readFile(join(folder, 'ana.tlog-proof'), 'utf8'), receipt);
  });
});

/** An election of ana and ben, with ana's secret in `ana.secret`. */
async function withSecrets(folder: string): Promise<OrganisedElection> {
  const data = join(folder, 'election');
  const common = ['--data', data, '--keys', join(folder, 'keys')];
  await writeFile(join(folder, 'voters.txt'), 'ana\nben\n');
  await writeFile(join(folder, 'candidates.txt'), 'a\nb\n');
  const made = await run('admin', [
    ...common,
    ...['init', '--title', 'Board', '--candidates', join(folder, 'candidates.txt')],
    ...['--voters', join(folder, 'voters.txt'), '--secrecy', 'open'],
  ]);
  assert.equal(made.code, 0, made.stderr);
  const table = await readFile(join(data, 'credentials', 'credentials.csv'), 'utf8');
  const secret = /^ana,.*?((?:[0-9A-Z]{4}-){5}[0-9A-Z]{4})/m.exec(table)?.[1] ?? '';
  await writeFile(join(folder, 'ana.secret'), secret, { mode: 0o600 });
  return { folder, data, common };
}
