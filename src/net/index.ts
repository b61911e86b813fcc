export { type Reach, type Reachability, describeReachability, reachOf } from './addresses.ts';
export { peerIdText as peerIdOf } from '../crypto/peer-id.ts';
export { publicKeyOfPeer } from './identity.ts';
export { type DialTarget, type PeerTarget, formatInvite, parseDialTarget } from './invite.ts';
export { DEADLINES, type Deadlines } from './limits.ts';
export type { FailedAddress, ListenAddress } from './listening.ts';
export { type NodeInit, type PsephosNode, startNode } from './node.ts';
export { type DialOptions, type DialledPeer, dialPeer } from './peer-client.ts';
