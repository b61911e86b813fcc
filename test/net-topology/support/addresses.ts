/**
 * Addresses of the topologies. They exist only inside namespaces that have no way out.
 *
 * IPv4 is from 44.128.0.0/16, the test network of amateur radio, which nobody routes: what the documentation ranges hold
 * (RFC 5737) every library takes for private, and a program that sorts its addresses would find no public one.
 * IPv6 is from the documentation prefix 3fff::/20 (RFC 9637), which lies in the space of global addresses.
 */
export interface Addressing {
  /** The provider's end of the line, and the subscriber's. */
  readonly provider: { readonly ip4: string; readonly ip6: string };
  readonly subscriber: { readonly ip4: string; readonly ip6: string };
  /** The prefix that is routed to the subscriber, without its length, which is 64. */
  readonly prefix: string;
}

/** Networks that 44.128.0.0/16 has room for. */
const MOST = 255;

/** The addresses of the line with this number: 1, 2, …. */
export function addressing(line: number): Addressing {
  if (line < 1 || line > MOST) throw new Error(`there are no addresses for line ${line}`);
  const group = line.toString(16);
  const pair = (host: number) => ({ ip4: `44.128.${line}.${host}`, ip6: `3fff:0:${group}::${host}` });
  return { provider: pair(1), subscriber: pair(2), prefix: `3fff:1:${group}::` };
}

/** Behind every router the same, as in life. */
export const LAN_PREFIX = '192.168.1.';
