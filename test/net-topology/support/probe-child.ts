import { type RemoteInfo, type Socket as UdpSocket, createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import type { Arrival, Command, FromProbe } from './probe-messages.ts';

/** The program that a `Probe` runs in a namespace: opens sockets as it is told, and reports what arrives at them. */

const udp = new Map<number, UdpSocket>();

function tell(message: FromProbe): void {
  process.send?.(message);
}

function arrived(port: number, from: Pick<RemoteInfo, 'address' | 'port'>, text: string): void {
  // A socket of both families shows IPv4 as a part of IPv6.
  const address = from.address.replace(/^::ffff:/, '');
  const arrival: Arrival = { port, from: { address, port: from.port }, text };
  tell({ arrival });
}

async function carryOut(command: Command): Promise<number> {
  switch (command.do) {
    case 'open-udp': {
      const socket = createSocket({ type: 'udp6' });
      socket.bind(command.port);
      await once(socket, 'listening');
      const { port } = socket.address();
      socket.on('message', (data, from) => {
        arrived(port, from, data.toString('latin1'));
      });
      udp.set(port, socket);
      return port;
    }
    case 'send-udp': {
      const { to, port, text } = command;
      const address = to.address.includes(':') ? to.address : `::ffff:${to.address}`;
      await new Promise<void>((resolve, reject) => {
        udp.get(port)?.send(Buffer.from(text, 'latin1'), to.port, address, (error) => {
          if (error === null) resolve();
          else reject(error);
        });
      });
      return port;
    }
    case 'listen-tcp': {
      const server = createServer((socket) => {
        const { remoteAddress = '', remotePort = 0 } = socket;
        arrived(port, { address: remoteAddress, port: remotePort }, '');
        // A peer that hangs up is no failure of the probe.
        socket.on('error', () => undefined);
      }).listen(command.port);
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      return port;
    }
    case 'connect-tcp': {
      const { to } = command;
      const socket = connect({
        host: to.address,
        port: to.port,
        ...(command.port === 0 ? {} : { localPort: command.port }),
      });
      await once(socket, 'connect');
      // The connection stays until the probe ends.
      socket.on('error', () => undefined);
      return socket.localPort ?? 0;
    }
  }
}

process.on('message', (message) => {
  const { id, command } = message as { readonly id: number; readonly command: Command };
  carryOut(command).then(
    (port) => {
      tell({ id, port });
    },
    (error: unknown) => {
      tell({ id, failed: error instanceof Error ? error.message : String(error) });
    },
  );
});
