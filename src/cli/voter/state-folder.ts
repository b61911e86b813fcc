import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * Where programs keep what they remember for this user: `PSEPHOS_STATE`, or where the system has such things (the XDG Base Directory
 * Specification's state folder; on Windows the user's local application data).
 */
export function stateFolder(
  env: Readonly<Record<string, string | undefined>>,
  { platform, home }: { readonly platform: NodeJS.Platform; readonly home: () => string } = {
    platform: process.platform,
    home: homedir,
  },
): string {
  const own = env['PSEPHOS_STATE'];
  if (own !== undefined && own !== '') return own;
  if (platform === 'win32') return join(env['LOCALAPPDATA'] ?? join(home(), 'AppData', 'Local'), 'psephos');
  const states = env['XDG_STATE_HOME'];
  // The specification has relative paths ignored.
  const isGiven = states !== undefined && isAbsolute(states);
  return join(isGiven ? states : join(home(), '.local', 'state'), 'psephos');
}
