import qrcode from 'qrcode';
import { describeReachability } from '../../net/index.ts';
import type { Io } from '../io.ts';
import { adminLine } from './command-lines.ts';
import { programLine } from '../program-line.ts';
import type { Surroundings } from './dispatch.ts';
import type { OpenElection } from './election-folder.ts';
import type { Output } from './output.ts';
import { reachabilityText } from './reachability.ts';
import { alarmsText, statusText } from './render.ts';
import { keptAlarms } from '../observer/alarms.ts';
import type { Live } from './reports.ts';
import { sampleBanner, sampleVoters } from './sample.ts';

/** Says what is running, who can reach it, and what voters need; for the sample election, what to type next. */
export async function announceElection(
  { place, io, output }: Surroundings,
  { log, organiser }: OpenElection,
  live: Live,
  { qr }: { readonly qr: boolean },
): Promise<void> {
  const status = await organiser.status();
  output.emit({ event: 'running', status, running: live });
  output.say(`${statusText(status, Date.now())}\n`);
  for (const text of alarmsText(await keptAlarms(place.data), place.data)) output.warn(text);
  await announceAddresses({ io, output }, live, { qr });
  if (status.round === null) {
    output.say(
      `Until the vote opens, a voter can make a key of their own in place of the secret:\n\n  ${programLine('voter')} enrol --dial '${live.invite}'`,
    );
  }
  const voters = await sampleVoters(place.data, log.genesis.uuid);
  if (voters === undefined) return;
  const address = describeReachability(live.addresses).loopback[0] ?? live.addresses[0] ?? '';
  const lines = {
    voters,
    address,
    voterProgram: programLine('voter'),
    adminProgram: (command: string) => adminLine(place, command),
    verifyProgram: programLine('verify-log'),
  };
  output.say(`\n${sampleBanner(lines)}`);
  output.emit({ event: 'sample', address, voters });
}

/** Who can reach the node where, and the invite: as text, and as a QR code where it can be seen. */
export async function announceAddresses(
  { io, output }: { readonly io: Io; readonly output: Output },
  live: Live,
  { qr }: { readonly qr: boolean },
): Promise<void> {
  output.emit({ event: 'addresses', ...live });
  output.say(reachabilityText(live.addresses));
  output.say(`\nInvite for voters:\n\n  ${live.invite}\n`);
  const people = output.json ? io.stderr : io.stdout;
  if (qr && people.isTTY === true) {
    output.say(
      await qrcode.toString(live.invite, { type: 'terminal', small: true, errorCorrectionLevel: 'L' }),
    );
  }
  output.say(`A voter types:\n\n  ${programLine('voter')} --dial '${live.invite}'`);
}
