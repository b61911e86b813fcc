/** Where a voter's key is written unless a file is named. */
export const DEFAULT_KEY_FILE = 'keys/voter.key';
