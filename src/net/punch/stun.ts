import { isIP } from 'node:net';
import { type PsephosError, unusable } from '../../base/errors.ts';
import { MAX_STUN_SERVERS } from '../limits.ts';
import type { StunServer } from './native.ts';

const HOST_AND_PORT = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]{1,253})):([0-9]{1,5})$/;

/** Reads STUN servers, each `host:port`, an IPv6 address in brackets. Throws `bad-stun-server` (usage). */
export function parseStunServers(texts: readonly string[]): StunServer[] {
  if (texts.length > MAX_STUN_SERVERS) throw bad(texts.join(' '), `at most ${MAX_STUN_SERVERS} are asked`);
  return texts.map((text) => {
    const [, ip6, name, digits] = HOST_AND_PORT.exec(text.trim()) ?? [];
    const hostname = ip6 ?? name;
    const port = Number(digits);
    if (hostname === undefined || (ip6 !== undefined && isIP(ip6) !== 6))
      throw bad(text, 'it is not of the form host:port');
    if (port < 1 || port > 65_535) throw bad(text, 'a port is a number from 1 to 65535');
    return { hostname, port };
  });
}

function bad(text: string, why: string): PsephosError {
  return unusable('bad-stun-server', `"${text}" can't be used for --stun: ${why}.`, {
    hint: 'For example --stun stun.example.org:3478, or --stun [2001:db8::5]:3478.',
  });
}
