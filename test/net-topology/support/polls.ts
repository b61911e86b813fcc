import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { publicKeyOf } from '#src/crypto/signature.js';
import { writeKeyFile } from '#src/store/key-files.js';
import { type OrganisedElection, ANSWERS, organise } from '../../support/organised-election.ts';
import { type Finished, type Running, jsonLines, run } from '../../support/processes.ts';
import { tempFolder, testSeed } from '../../support/temp-election.ts';
import type { NetNode } from './net-node.ts';

const addressesEvent = z.object({
  event: z.literal('addresses'),
  addresses: z.array(z.string()),
  invite: z.string(),
});
const resultEvent = z.object({
  event: z.literal('result'),
  turnout: z.object({ voted: z.number(), ballots: z.number() }),
});
const castEvent = z.object({ event: z.literal('cast'), tracker: z.string(), index: z.number() });

/** How many ballots a figure is the median of. */
export const CASTS = 20;

const CASTER = fileURLToPath(new URL('caster-child.js', import.meta.url));

/** An election with sealed ballots, open, which nobody runs yet. Voter i has the key of `testSeed(i)`. */
export async function organised(
  t: TestContext,
  voters: number,
): Promise<OrganisedElection & { readonly electionId: string }> {
  const election = await organise(await tempFolder(t), voters, ['--secrecy', 'sealed', '--open']);
  for (let voter = 0; voter < voters; voter++) {
    const seed = testSeed(voter);
    await writeKeyFile(keyFile(election, voter), { role: 'voter', seed, publicKey: publicKeyOf(seed) });
  }
  const status = await run('admin', [...election.common, 'status', '--json']);
  const [, electionId] = /"electionId":"(\w+)"/.exec(status.stdout) ?? [];
  assert.ok(electionId, status.stderr);
  return { ...election, electionId };
}

export interface VoteHow {
  /** What `admin` announced last, unless given. */
  readonly invite?: string;
  /** In place of an invite: whom to look for in the network, true for whoever is there. */
  readonly find?: string | true;
  readonly args?: readonly string[];
  /** Where the program remembers things; a folder of its own unless given. */
  readonly state?: string;
}

/** An election whose `admin` runs on a computer of a topology. */
export class Polls {
  readonly election: OrganisedElection & { readonly electionId: string };
  readonly admin: Running;

  private constructor(election: Polls['election'], admin: Running) {
    this.election = election;
    this.admin = admin;
  }

  /** Has `admin` listen as it does unless it is told otherwise; `args` are more arguments for it. */
  static async open(at: NetNode, election: Polls['election'], args: readonly string[] = []): Promise<Polls> {
    const admin = at.start('admin', [...election.common, '--json', ...args], { cwd: election.folder });
    const polls = new Polls(election, admin);
    await admin.waitFor(/"event":"addresses".*\n/);
    return polls;
  }

  /** What `admin` said last of its addresses, and the invite with them. */
  get announced(): { readonly addresses: readonly string[]; readonly invite: string } {
    const said = jsonLines(this.admin.stdout).flatMap((line) => addressesEvent.safeParse(line).data ?? []);
    const last = said.at(-1);
    if (last === undefined) throw new Error('admin announced nothing');
    return last;
  }

  get invite(): string {
    return this.announced.invite;
  }

  /** Starts the voter's program for a voter on a computer of the topology. */
  vote(at: NetNode, voter: number, { invite = this.invite, find, args = [], state }: VoteHow = {}): Running {
    const place = find === undefined ? ['--dial', invite] : ['--find', ...(find === true ? [] : [find])];
    const argv = [
      ...[...place, '--key-file', keyFile(this.election, voter), '--choose', ANSWERS[0] ?? ''],
      ...['--yes', '--json', '--receipt', this.receiptFile(voter), ...args],
    ];
    return at.start('voter', argv, state === undefined ? {} : { env: { PSEPHOS_STATE: state } });
  }

  receiptFile(voter: number): string {
    return join(this.election.folder, `v${voter}.tlog-proof`);
  }

  /**
   * Casts CASTS ballots of the voters from `first` on, one after another, each over a connection of its own; the milliseconds that each
   * took, from dialling to the checked receipt. With a STUN server, direct ways are looked for.
   */
  async cast(
    at: NetNode,
    first: number,
    { invite = this.invite, stun }: { readonly invite?: string; readonly stun?: string } = {},
  ): Promise<number[]> {
    const argv = [process.execPath, CASTER, invite, String(first), String(CASTS)];
    if (stun !== undefined) argv.push(stun);
    const times = (await at.exec(argv)).trim().split('\n').map(Number);
    assert.equal(times.length, CASTS);
    return times;
  }

  /** Ends the voting and `admin`, and asserts that the log is valid and holds one ballot of each of so many voters, and no more. */
  async expectBallots(voters: number): Promise<void> {
    const closed = await run('admin', [...this.election.common, 'close']);
    assert.equal(closed.code, 0, closed.stderr);
    const ended = await this.admin.kill('SIGINT');
    assert.equal(ended.code, 0, ended.stderr);
    const audit = await run('verify-log', ['--json', this.election.data]);
    assert.equal(audit.code, 0, audit.stdout);
    const counted = jsonLines(audit.stdout).flatMap(
      (line) => resultEvent.safeParse(line).data?.turnout ?? [],
    );
    assert.deepEqual(counted, [{ voted: voters, ballots: voters }]);
  }
}

function keyFile({ folder }: OrganisedElection, voter: number): string {
  return join(folder, `v${voter}.key`);
}

/** Asserts that a voter's program ended well; what it says of the ballot. */
export function castOf(voted: Finished): z.infer<typeof castEvent> {
  assert.equal(voted.code, 0, `${voted.stderr}\n${voted.stdout}`);
  const found = jsonLines(voted.stdout).flatMap((line) => castEvent.safeParse(line).data ?? []);
  assert.equal(found.length, 1, voted.stdout);
  return found[0] as z.infer<typeof castEvent>;
}
