import { PsephosError } from '../base/errors.ts';
import type { ListenAddress } from '../net/index.ts';

export interface ListenOptions {
  /** Addresses that must be listened on; empty for every IPv6 and IPv4 address on the program's own port. */
  readonly listen: readonly string[];
  readonly ip6Only: boolean;
}

/** Listens on what was asked for; by default on `port` in both families, or in the one that this machine has. */
export async function startListening<Node>(
  { listen, ip6Only }: ListenOptions,
  port: number,
  start: (addresses: readonly ListenAddress[]) => Promise<Node>,
): Promise<Node> {
  if (listen.length > 0) return start(listen.map((address) => ({ address })));
  const ip6: ListenAddress = { address: `/ip6/::/tcp/${port}` };
  const ip4: ListenAddress = { address: `/ip4/0.0.0.0/tcp/${port}` };
  if (ip6Only) return start([ip6]);
  try {
    return await start([ip6, { ...ip4, optional: true }]);
  } catch (error) {
    if (!(error instanceof PsephosError) || error.code !== 'address-not-available') throw error;
    return start([{ ...ip6, optional: true }, ip4]);
  }
}
