/** Kademlia as libp2p speaks it, among nodes of Psephos alone. */
export const KAD = '/psephos/kad/1.0.0';
