import { unreachable, unusable } from '../../base/errors.ts';
import { askControl } from '../../net/control-socket.ts';
import { electionExists } from '../../store/level-db.ts';
import type { Console } from '../console.ts';
import { openCopy } from './folder.ts';
import { statusOf, statusSchema, statusText } from './status.ts';

/** Prints how the observer stands: the one that runs, else its copy. */
export async function showStatus(folder: string, out: Console): Promise<void> {
  if (!(await electionExists(folder))) {
    throw unusable('no-election', `No observer has begun in ${folder}.`, {
      hint: 'Name its folder with --data, or begin with --dial.',
    });
  }
  const print = (item: unknown): Promise<void> => {
    const read = statusSchema.safeParse(item);
    if (!read.success) {
      throw unreachable('no-answer', 'The running observer answers in a way that is not understood.', {
        hint: 'It may be of another version: stop it, and start it again.',
      });
    }
    out.emit(read.data);
    out.say(statusText(read.data, Date.now()));
    return Promise.resolve();
  };
  if (await askControl(folder, { command: 'status', args: {} }, print)) return;
  const copy = await openCopy(folder, () => undefined);
  try {
    await print(statusOf(copy, undefined, undefined));
  } finally {
    await copy.close();
  }
}
