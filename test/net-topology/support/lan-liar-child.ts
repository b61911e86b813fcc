import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/**
 * Answers by multicast DNS before anybody asks, in the name of many peers, many times a second. Arguments: the address of the network
 * that it is in, and `<peer id>=<multiaddr>` for each.
 */
const [own = '', ...lies] = process.argv.slice(2);

const SERVICE = '_psephos._udp.local';
const PTR = 12;
const TXT = 16;

function name(text: string): Buffer {
  const labels = text.split('.').map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`));
  return Buffer.concat([...labels, Buffer.of(0)]);
}

function record(owner: string, type: number, data: Buffer): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  // Class IN, for two minutes.
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(120, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([name(owner), fixed, data]);
}

function answer(lie: string, number: number): Buffer {
  const [peerId = '', address = ''] = lie.split('=');
  const owner = `liar${number}.${SERVICE}`;
  const text = Buffer.from(`dnsaddr=${address}/p2p/${peerId}`);
  // RFC 1035, section 4.1.1: an answer by who has authority, with two records.
  const header = Buffer.from('000084000000000200000000', 'hex');
  const said = Buffer.concat([Buffer.of(text.length), text]);
  return Buffer.concat([header, record(SERVICE, PTR, name(owner)), record(owner, TXT, said)]);
}

const socket = createSocket({ type: 'udp4', reuseAddr: true });
socket.bind(5353);
await once(socket, 'listening');
socket.setMulticastInterface(own);
const answers = lies.map(answer);
setInterval(() => {
  for (const packet of answers) socket.send(packet, 5353, '224.0.0.251');
}, 20);
process.stdout.write('answering\n');
