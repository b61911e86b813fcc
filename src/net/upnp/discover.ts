import { type RemoteInfo, createSocket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { ROUTERS_ASKED, ROUTER_SEARCH_MS } from '../limits.ts';

const SSDP = { address: '239.255.255.250', port: 1900 };
/** A router that speaks a later version answers for the first one too (UPnP Device Architecture 2.0, section 1.3.2). */
const DEVICE = 'urn:schemas-upnp-org:device:InternetGatewayDevice:1';
const SEARCH = [
  'M-SEARCH * HTTP/1.1',
  `HOST: ${SSDP.address}:${SSDP.port}`,
  'MAN: "ssdp:discover"',
  'MX: 1',
  `ST: ${DEVICE}`,
  '',
  '',
].join('\r\n');

/** Where a router describes itself, and the address of this computer in the network that it was found in. */
export interface FoundRouter {
  readonly description: URL;
  readonly own: string;
}

/**
 * Looks for routers that forward ports in the networks of this computer (UPnP, over IPv4), for ROUTER_SEARCH_MS, or until one answers. A
 * description that is elsewhere than where the answer came from is left out: anybody in the network can answer, and would have this
 * program fetch what it likes.
 */
export async function findRouters(signal: AbortSignal): Promise<FoundRouter[]> {
  const own = Object.values(networkInterfaces())
    .flat()
    .flatMap((one) => (one?.family === 'IPv4' && !one.internal ? [one.address] : []));
  const found = await Promise.all(own.map((address) => searchFrom(address, signal)));
  return found.flat().slice(0, ROUTERS_ASKED);
}

function searchFrom(own: string, signal: AbortSignal): Promise<FoundRouter[]> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const found = new Map<string, FoundRouter>();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      socket.removeAllListeners();
      // What the system still has to say of it is of no use.
      socket.on('error', () => undefined);
      socket.close();
      resolve([...found.values()]);
    };
    const timer = setTimeout(done, ROUTER_SEARCH_MS);
    signal.addEventListener('abort', done);
    socket.on('error', done);
    socket.on('message', (message: Buffer, from: RemoteInfo) => {
      const description = locationIn(message.toString('latin1'), from.address);
      if (description === undefined) return;
      found.set(description.href, { description, own });
      done();
    });
    socket.bind({ address: own, port: 0 }, () => {
      try {
        socket.setMulticastInterface(own);
      } catch {
        // The network went away in the meantime.
        done();
        return;
      }
      socket.send(SEARCH, SSDP.port, SSDP.address);
    });
  });
}

/** The description that an answer names, if it is where the answer came from. */
export function locationIn(answer: string, from: string): URL | undefined {
  if (!/^HTTP\/1\.1 200 /.test(answer)) return undefined;
  const [, location = ''] = /^location:\s*(\S{1,200})\s*$/im.exec(answer) ?? [];
  const url = URL.canParse(location) ? new URL(location) : undefined;
  return url?.protocol === 'http:' && url.hostname === from ? url : undefined;
}
