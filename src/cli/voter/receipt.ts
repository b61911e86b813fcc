import { recoverReceipt } from '../../services/lost-receipt.ts';
import type { Io } from '../io.ts';
import { askerOf } from './ask.ts';
import { type ConnectFlags, meet, orInterrupted, unpinned } from './connect.ts';
import type { Console } from '../console.ts';
import { type IdentityFlags, identify, missingIdentity, readCredentials, requireFlags } from './identify.ts';
import { expectRoom, receiptName, saveReceipt } from '../receipt-file.ts';
import { verifyCommand } from './cast-report.ts';
import { confirmFingerprint } from './pinning.ts';
import { Watch } from './watch.ts';
import { type WitnessFlags, expectObservers } from './witness.ts';

export interface ReceiptFlags extends ConnectFlags, IdentityFlags, WitnessFlags {
  readonly receipt?: string;
}

/** Saves a new receipt for the last ballot of a voter who lost the answer, or the file. */
export async function fetchReceipt(flags: ReceiptFlags, io: Io, out: Console): Promise<void> {
  const ask = await askerOf(io);
  if (ask === undefined) requireFlags(missingIdentity(flags));
  if (flags.receipt !== undefined) await expectRoom(flags.receipt);
  const credentials = await readCredentials(flags, io);
  await expectObservers(flags);
  const met = await meet(flags, io, out, 'reading');
  try {
    if (met.election.servedBy === 'observer' && met.anchor === 'none') {
      if (ask === undefined) throw unpinned();
      await confirmFingerprint(met.election, ask, out);
    }
    const watch = await Watch.begin(met, flags, io, out);
    const { record } = await identify(met, credentials, ask, out);
    const { receipt, tracker, number } = await recoverReceipt(met.client, met.election, record);
    const path = flags.receipt ?? receiptName(tracker);
    await watch.keep(receipt, record.round);
    await saveReceipt(path, receipt.text);
    const logSize = receipt.checkpoint.size;
    out.emit({
      event: 'receipt',
      electionId: met.election.electionId,
      tracker,
      number,
      index: receipt.index,
      logSize,
      receipt: path,
    });
    out.say(
      `Your last ballot is in the log (number ${number} of yours in round ${record.round}).\n\n` +
        `  Ballot tracker  ${tracker}\n` +
        `  Log entry       ${receipt.index}, in a log of ${logSize} entries\n` +
        `  Receipt         ${path}\n\n` +
        (met.election.genesis.policy.secrecy === 'sealed'
          ? `To check at any time that it is still there:\n\n  ${verifyCommand(path, flags.dial)}\n`
          : `To see what it says:\n\n  ${verifyCommand(path, flags.dial)} --show\n`),
    );
    watch.expectNone('The receipt is saved. But an alarm was raised, see above.');
  } catch (error) {
    throw orInterrupted(error, io);
  } finally {
    await met.client.close();
  }
}
