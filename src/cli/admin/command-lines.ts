import { programLine, quotePath } from '../program-line.ts';
import type { Place } from './election-folder.ts';

export const DEFAULT_DATA = './election';
export const DEFAULT_KEYS = './keys';

/** An admin command with the options that lead it to this election. */
export function adminLine({ data, keys }: Place, command: string): string {
  const options = [
    data === DEFAULT_DATA ? '' : ` --data ${quotePath(data)}`,
    keys === DEFAULT_KEYS ? '' : ` --keys ${quotePath(keys)}`,
  ];
  return `${programLine('admin')} ${command}${options.join('')}`;
}
