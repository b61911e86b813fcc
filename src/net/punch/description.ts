import { isIP } from 'node:net';
import * as z from 'zod';
import { fromHex } from '../../base/bytes.ts';
import { reachOf } from '../addresses.ts';
import { MAX_CANDIDATES } from '../limits.ts';
import { bytesOf } from '../schemas.ts';

/**
 * What one end tells the other of where it may be found, and by what it is recognised there. It travels as these few fields and not as
 * a session description (SDP), so that no text of a peer's ever reaches the native code.
 */
export const descriptionSchema = z.strictObject({
  /** Name and password of the packets by which ways are tried (RFC 8839, section 5.4). */
  name: z.string().regex(/^[A-Za-z0-9+/]{4,32}$/),
  password: z.string().regex(/^[A-Za-z0-9+/]{22,64}$/),
  /** SHA-256 of the certificate that it shows in DTLS. */
  certificate: bytesOf(32),
  candidates: z
    .array(
      z.strictObject({
        ip: z.string().refine((ip) => isPublic(ip), 'expected a public IP address'),
        port: z.int().min(1).max(65_535),
      }),
    )
    .max(MAX_CANDIDATES),
});
export type Description = z.infer<typeof descriptionSchema>;

const CANDIDATE = /^a=candidate:\S+ 1 UDP \d+ (\S+) (\d+) typ (?:host|srflx)/gm;

/**
 * The fields of a session description that the native code made. Of its candidates the public ones, IPv6 first: others would lead nowhere
 * outside the network of this computer, and tell the peer what it looks like inside.
 */
export function describe(sdp: string): Description {
  const field = (pattern: RegExp): string => {
    const found = pattern.exec(sdp)?.[1];
    if (found === undefined) throw new Error(`a session description without ${pattern.source}`);
    return found;
  };
  const candidates = [...sdp.matchAll(CANDIDATE)]
    .map(([, ip = '', port]) => ({ ip, port: Number(port) }))
    .filter(({ ip }) => isPublic(ip))
    .sort((a, b) => isIP(b.ip) - isIP(a.ip))
    .slice(0, MAX_CANDIDATES);
  const certificate = fromHex(
    field(/^a=fingerprint:sha-256 (\S+)/im)
      .replaceAll(':', '')
      .toLowerCase(),
  );
  if (certificate === undefined) throw new Error('a fingerprint that is not hexadecimal');
  return {
    name: field(/^a=ice-ufrag:(\S+)/m),
    password: field(/^a=ice-pwd:(\S+)/m),
    certificate,
    candidates,
  };
}

/** A session description (RFC 8866, RFC 8841) for the native code: one data channel, no media. */
export function sessionOf(
  { name, password, certificate, candidates }: Description,
  type: 'offer' | 'answer',
): string {
  const fingerprint = Array.from(certificate, (byte) =>
    byte.toString(16).padStart(2, '0').toUpperCase(),
  ).join(':');
  const lines = [
    'v=0',
    'o=- 1 0 IN IP4 0.0.0.0',
    's=-',
    't=0 0',
    'a=group:BUNDLE 0',
    `a=fingerprint:sha-256 ${fingerprint}`,
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 0.0.0.0',
    'a=mid:0',
    'a=sendrecv',
    'a=sctp-port:5000',
    `a=setup:${type === 'offer' ? 'actpass' : 'active'}`,
    `a=ice-ufrag:${name}`,
    `a=ice-pwd:${password}`,
    ...candidates.map(
      ({ ip, port }, i) => `a=candidate:${i + 1} 1 UDP ${PRIORITY - i * 256} ${ip} ${port} typ host`,
    ),
    'a=end-of-candidates',
    '',
  ];
  return lines.join('\r\n');
}

/** Of a host candidate (RFC 8445, section 5.1.2.1); those that come first are preferred. */
const PRIORITY = 126 * 2 ** 24 + 65_535 * 256 + 255;

/** Nobody can have this computer send packets into a local network, to itself or to everybody. */
function isPublic(ip: string): boolean {
  const family = isIP(ip);
  return family !== 0 && !ip.includes('%') && reachOf(`/ip${family}/${ip}/udp/1`) === 'public';
}
