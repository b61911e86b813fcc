import * as z from 'zod';
import type { NetNode } from './net-node.ts';

/** Bytes of IP packets, headers included. */
export interface Traffic {
  readonly ip4: number;
  readonly ip6: number;
}

/** Counts by family and by the lines that a packet came from and goes to; and a chain for what is to be lost. */
export const TRAFFIC_RULES = `
table inet traffic {
  set lines {
    type nf_proto . ifname . ifname
    flags dynamic
    counter
    size 4096
  }
  chain forward {
    type filter hook forward priority filter + 10; policy accept;
    update @lines { meta nfproto . iifname . oifname }
  }
}
table inet losses {
  chain forward {
    type filter hook forward priority filter; policy accept;
  }
}
`;

const listing = z.object({
  nftables: z.array(
    z.object({
      set: z
        .object({
          elem: z
            .array(
              z.object({
                elem: z.object({
                  val: z.object({ concat: z.tuple([z.string(), z.string(), z.string()]) }),
                  counter: z.object({ bytes: z.number() }),
                }),
              }),
            )
            .default([]),
        })
        .optional(),
    }),
  ),
});

/** What `core` passed on from one of its ports to another. */
export async function readTraffic(core: NetNode, from: string, to: string): Promise<Traffic> {
  const text = await core.exec(['nft', '-j', 'list', 'set', 'inet', 'traffic', 'lines']);
  const elements = listing.parse(JSON.parse(text)).nftables.flatMap(({ set }) => set?.elem ?? []);
  const bytes = (family: string): number =>
    elements.find(({ elem }) => elem.val.concat.join() === [family, from, to].join())?.elem.counter.bytes ??
    0;
  return { ip4: bytes('ipv4'), ip6: bytes('ipv6') };
}
