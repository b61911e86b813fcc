import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { tempFolder } from '../../support/temp-election.ts';
import { LAN_PREFIX } from './addresses.ts';
import { startDaemon } from './daemon.ts';
import { type Home, LAN } from './home.ts';
import { WAN } from './line.ts';

/** Where a router describes itself. */
export const UPNP_PORT = 5000;

/** The chains that miniupnpd fills. */
const RULES = `
table inet upnp {
  chain forward {
    type filter hook forward priority filter; policy accept;
    jump forward_mapped
  }
  chain forward_mapped {
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    jump prerouting_mapped
  }
  chain prerouting_mapped {
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    jump postrouting_mapped
  }
  chain postrouting_mapped {
  }
}
`;

const ALLOWED = `allow 1024-65535 ${LAN_PREFIX}0/24 1024-65535\n`;

const SETTINGS = `
ext_ifname=${WAN}
listening_ip=${LAN}
port=${UPNP_PORT}
enable_upnp=yes
enable_natpmp=yes
secure_mode=yes
upnp_table_name=upnp
upnp_nat_table_name=upnp
upnp_forward_chain=forward_mapped
upnp_nat_chain=prerouting_mapped
upnp_nat_postrouting_chain=postrouting_mapped
uuid=00000000-0000-4000-8000-000000000001
`;
const DENIED = 'deny 0-65535 0.0.0.0/0 0-65535\n';

/** Has a home's router forward ports to computers behind it that ask for it by UPnP, or refuse to whoever asks. */
export async function offerUpnp(
  t: TestContext,
  { router }: Home,
  { refuses = false }: { readonly refuses?: boolean } = {},
): Promise<void> {
  const folder = await tempFolder(t);
  const configuration = join(folder, 'miniupnpd.conf');
  await writeFile(configuration, `${SETTINGS}${refuses ? '' : ALLOWED}${DENIED}`);
  await router.nft(RULES);
  const argv = ['miniupnpd', '-d', '-f', configuration, '-P', join(folder, 'pid')];
  await startDaemon(t, router, argv, /Listening for NAT-PMP/);
}
