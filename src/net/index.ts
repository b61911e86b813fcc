export {
  type Reach,
  type Reachability,
  describeReachability,
  dialableFirst,
  mayMean,
  reachOf,
} from './addresses.ts';
export { peerIdText as peerIdOf } from '../crypto/peer-id.ts';
export { publicKeyOfPeer } from './identity.ts';
export { type DialTarget, type PeerTarget, formatInvite, parseDialTarget } from './invite.ts';
export type { RelayEvent } from './circuit/held-relay.ts';
export { type RelayTarget, parseRelays } from './circuit/relay-target.ts';
export type { DialPath } from './dial.ts';
export { findObservers } from './discovery/find-observers.ts';
export type { SaidPeer } from './discovery/messages.ts';
export {
  DEADLINES,
  type Deadlines,
  type PresenceTiming,
  RELAY_LIMITS,
  type RelayLimits,
  type RelayTiming,
} from './limits.ts';
export type { FailedAddress, ListenAddress } from './listening.ts';
export { type NodeDiscovery, type NodeInit, type NodeRelays, type PsephosNode, startNode } from './node.ts';
export { type DialOptions, type DialledPeer, type DialledTarget, dialPeer } from './peer-client.ts';
export type { PeerWay } from './peer-link.ts';
export type { RelayApplicant, RelayingInit } from './circuit/relaying.ts';
export type { RelayFigures } from './circuit/server.ts';
export { type RelayDiscovery, type RelayInit, type RelayNode, startRelay } from './relay-node.ts';
export type { StunServer } from './punch/native.ts';
export { parseStunServers } from './punch/stun.ts';
export type { ReachFinding } from './autonat/client.ts';
export type { ForwardingEvent } from './upnp/forwarding.ts';
