import { unreachable, unusable } from '../../base/errors.ts';
import { askControl } from '../../net/control-socket.ts';
import type { Console } from '../console.ts';
import { statusSchema, statusText } from './status.ts';

/** Prints what the running relay does. Throws `not-running` where none runs in the folder. */
export async function showStatus(folder: string, out: Console): Promise<void> {
  const print = (item: unknown): Promise<void> => {
    const read = statusSchema.safeParse(item);
    if (!read.success) {
      throw unreachable('no-answer', 'The running relay answers in a way that is not understood.', {
        hint: 'It may be of another version: stop it, and start it again.',
      });
    }
    out.emit(read.data);
    out.say(statusText(read.data));
    return Promise.resolve();
  };
  if (await askControl(folder, { command: 'status', args: {} }, print)) return;
  throw unusable('not-running', `No relay runs in ${folder}.`, { hint: 'Name its folder with --data.' });
}
