import { kill } from 'node:process';
import { codeOf } from './fs-errors.ts';

/** Whether a process of this machine has this number; it may be another one than had it before. */
export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    // Signal 0 is sent to nobody; it only asks whether the process is there.
    kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: there, and somebody else's.
    return codeOf(error) === 'EPERM';
  }
}
