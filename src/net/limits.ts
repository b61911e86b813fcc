/**
 * Every bound of the network in one place, with its reason. Sizes are bytes, times milliseconds. libp2p's own defaults
 * (5 new connections a second from a host, 10 handshakes at a time, 300 connections) would refuse a polling station:
 * a whole hall of voters shares one address.
 */

const KIB = 1024;
const MIB = 1024 * KIB;

// Connections.

/** A connection with nothing open on it costs tens of kilobytes; beyond this many, newcomers are turned away. */
export const MAX_CONNECTIONS = 4_096;
/** Handshakes at a time. One takes 5 to 30 ms of a core, so that the last in line still fits in `handshakeMs`. */
export const MAX_PENDING_CONNECTIONS = 1_024;
/** New connections per second from one host. A hall behind one NAT needs 200; handshakes limit it anyway. */
export const MAX_NEW_CONNECTIONS_PER_HOST = 1_000;
/** Connections that the kernel holds while we are busy; more would be lost in a burst. */
export const LISTEN_BACKLOG = 1_024;
/** Streams on one connection, each way: a client keeps at most the `maxStreams` of each protocol. */
export const MAX_STREAMS_PER_CONNECTION = 32;
/** Bytes that a peer may send ahead of our reading on one stream: Yamux's least window. */
export const STREAM_WINDOW_BYTES = 256 * KIB;
/** A client's window grows to this on a fast and long path, so that downloading a log is not bound by its delay. */
export const CLIENT_WINDOW_BYTES = 2 * MIB;
/** The kernel probes a silent connection after this time, and finds a peer that lost its power. */
export const TCP_KEEPALIVE_MS = 60_000;
/** A client pings this often, which keeps the mapping in a home router or phone network alive. */
export const CLIENT_PING_MS = 30_000;
/** Time without a byte either way, not even a ping, after which a socket is closed. */
export const SOCKET_SILENCE_MS = 5 * 60_000;

// Memory.

/** Requests that are being received or answered, all peers together; beyond it the answer is `busy`. */
export const RECEIVE_BUDGET_BYTES = 64 * MIB;
/** What a request counts for at least: its objects cost more than its bytes. It bounds requests to 4,096 at a time. */
export const MIN_REQUEST_CHARGE_BYTES = 16 * KIB;
/** Waiting on one connection for its peer to read; beyond it the connection is cut. Honest peers never come near it. */
export const MAX_UNSENT_BYTES = 4 * MIB;
/** What a message counts for at least while it waits there: its objects cost more than its bytes. */
export const LEAST_UNSENT_CHARGE_BYTES = 256;
/** Waiting on all connections together; beyond it, the one is cut on which most waits of what it may. */
export const UNSENT_BUDGET_BYTES = 256 * MIB;
/** Parts of the log on their way to peers that have not taken them yet; beyond it, the next one waits. */
export const BULK_SEND_BUDGET_BYTES = 64 * MIB;
/** A part of the log as it travels: large enough to be quick, small enough for a slow line's deadline. */
export const LOG_FRAME_BYTES = 128 * KIB;

// Time.

/** Deadlines of a node. They are parameters, so that a test need not wait. */
export interface Deadlines {
  /** From a connection's first byte to the end of its handshake. A burst of 1,000 newcomers waits in line for it. */
  readonly handshakeMs: number;
  /** To receive the first request once a stream is open, and each whole request once it began, plus `slowness`. */
  readonly requestMs: number;
  /** Between requests on one stream. */
  readonly idleStreamMs: number;
  /** For a peer to take what it is sent, plus `slowness`: one that doesn't read is cut off. */
  readonly writeMs: number;
  /** For a peer to close its half of a stream after we closed ours. */
  readonly lingerMs: number;
  /** A connection without a stream for this long is closed; a client's next request opens it again. */
  readonly idleConnectionMs: number;
  /** A follower hears from the node at least this often, and so knows that it is still there. */
  readonly heartbeatMs: number;
  /** For requests in progress when the node is told to stop. */
  readonly stopMs: number;
  /** The slowest line that is served, a poor mobile connection: `slowness` follows from it. */
  readonly slowestBytesPerSecond: number;
}

export const DEADLINES: Deadlines = {
  handshakeMs: 30_000,
  requestMs: 10_000,
  idleStreamMs: 60_000,
  writeMs: 20_000,
  lingerMs: 2_000,
  idleConnectionMs: 15 * 60_000,
  heartbeatMs: 30_000,
  stopMs: 10_000,
  slowestBytesPerSecond: 8 * KIB,
};

/** Milliseconds that so many bytes take on the slowest line that is served. */
export function slowness(
  bytes: number,
  { slowestBytesPerSecond }: Pick<Deadlines, 'slowestBytesPerSecond'>,
): number {
  return (bytes / slowestBytesPerSecond) * 1000;
}

// Clients.

/** To connect, handshake included: longer than a burst at the polling station takes to be served. */
export const DIAL_TIMEOUT_MS = 20_000;
/** Head start of one address before the next is tried as well (RFC 8305, section 5). */
export const NEXT_ADDRESS_MS = 250;
/**
 * Head start of direct addresses before relayed ones are tried as well: a TCP connection and a handshake take four round trips,
 * of 200 ms on a mobile network. Where no direct address is left to wait for, relayed ones are tried at once.
 */
export const RELAYED_AFTER_MS = 1_000;
/** The same where all direct addresses are of a local network, which answers within this time or is another one. */
export const RELAYED_AFTER_LOCAL_MS = 250;
/** For an answer to begin: a commit to a slow disk, behind a queue of other ballots. */
export const ANSWER_TIMEOUT_MS = 30_000;
/** A follower that hears nothing for this long, three heartbeats, reconnects. */
export const FOLLOW_SILENCE_MS = 3 * DEADLINES.heartbeatMs;
/** Tries after the first when a connection is lost or a peer busy: with the waits between them, about 15 s. */
export const RETRIES = 6;
export const RETRY_FIRST_MS = 250;
export const RETRY_LONGEST_MS = 8_000;
/** A peer can't keep its client waiting longer than this by answering `busy`. */
export const RETRY_AFTER_LONGEST_MS = 60_000;

// Relays. A ballot with its receipt is a few kilobytes; with the largest questions and sealed it is below 1 MiB.

/** What a relay grants. They are parameters, so that a test need not make thousands of connections. */
export interface RelayLimits {
  /** Peers that can be reached through the relay: organisers and observers, so that a public relay serves some hundred elections. */
  readonly reservations: number;
  /** How long a reservation lasts; its holder renews it every few seconds (`RELAY_TIMING`), and it ends with the connection in any case. */
  readonly reservationMs: number;
  /** Relayed connections at a time. Each may hold a Yamux window each way, twice: 1 MiB at the worst, where a peer doesn't read. */
  readonly relayed: number;
  /** To one peer: as many voters as can be at the questions at the same time, of an election of thousands. */
  readonly relayedPerPeer: number;
  /**
   * From one IPv4 address or IPv6 network (/64), so that no single machine takes all places; a hall of voters behind one NAT still
   * fits.
   */
  readonly relayedPerHost: number;
  /** Over one relayed connection, both ways together: the election's description, a ballot and its receipt, each the largest, fit. */
  readonly relayedBytes: number;
  /** A voter reads, thinks and types. Who takes longer, or follows the log, is connected again by the client. */
  readonly relayedMs: number;
  /** A peer that takes nothing of what is passed on to it for so long is cut off, as at a node (`writeMs`). */
  readonly stalledMs: number;
  /** A connection on which nothing is relayed, and whose peer holds no reservation, is closed after this time. */
  readonly idleMs: number;
}

export const RELAY_LIMITS: RelayLimits = {
  reservations: 256,
  reservationMs: 60 * 60_000,
  relayed: 1_024,
  relayedPerPeer: 768,
  relayedPerHost: 384,
  relayedBytes: 4 * MIB,
  relayedMs: 30 * 60_000,
  stalledMs: 20_000,
  idleMs: 60_000,
};

/**
 * Peers that a relay asks at a time which election they serve, of all and of one source: an answer may be 4 MiB long and take
 * RELAY_ANSWER_MS. Who comes beyond it asks again in a moment.
 */
export const ADMISSIONS_AT_ONCE = 32;
export const ADMISSIONS_PER_SOURCE = 4;
/** Streams to a relay on one connection: a client needs one, and one more while it asks again. */
export const HOP_STREAMS_PER_CONNECTION = 8;
/**
 * Waiting on one connection between a relay and a peer that holds a reservation: ballots of all voters meet there. On others it
 * is MAX_UNSENT_BYTES.
 */
export const RELAY_UNSENT_BYTES = 64 * MIB;
/** For a relay to renew a reservation, and for a peer to say which election it serves: both answer at once, or are gone. */
export const RELAY_ANSWER_MS = 10_000;
/** For a relay to be asked and to ask the peer, who has a burst of other voters to deal with; as long as a handshake may take. */
export const RELAY_CONNECT_MS = 30_000;

/** When a peer looks after its reservations; parameters, so that a test need not wait. */
export interface RelayTiming {
  /** Between renewals, which also show that the relay is there and answers. */
  readonly checkMs: number;
  /** For the relay to answer: one that does not is taken for gone. */
  readonly answerMs: number;
  /** Waits when the relay is gone, doubling from the first to the longest. */
  readonly retryFirstMs: number;
  readonly retryLongestMs: number;
}

export const RELAY_TIMING: RelayTiming = {
  checkMs: 5_000,
  answerMs: RELAY_ANSWER_MS,
  retryFirstMs: 1_000,
  retryLongestMs: 30_000,
};
/** A node that starts waits for its relays for so long, since its invite names them; they may come later. */
export const RELAY_FIRST_MS = 5_000;
/** Of the addresses that a relay says it has, so many are looked at; one of each family is enough. */
export const RELAY_ADDRESSES = 16;
/** Relays of one peer: more would not fit in an invite that a phone can read off a wall. */
export const MAX_RELAYS = 4;

// Finding a peer whose addresses have changed: a distributed hash table (Kademlia) of organisers, observers and relays.

/** Requests that are being answered at a time, of all peers, and on one connection; beyond the one, the oldest is cut, and beyond the other the new one. */
export const KAD_STREAMS = 256;
export const KAD_STREAMS_PER_CONNECTION = 4;
/** Of one request. The largest says where a peer is, at 16 addresses of 60 bytes each. */
export const KAD_REQUEST_BYTES = 16 * KIB;
/** Of one answer: 32 providers and 20 other peers, each with as much as is kept of one. */
export const KAD_ANSWER_BYTES = 256 * KIB;
/** What is kept of one peer: 16 addresses, once as they are used and once as they were signed. */
export const KAD_RECORD_BYTES = 4 * KIB;
/**
 * Peers of which something is kept, twice as many as can be connected; the one that was not heard of for longest goes first. With
 * `KAD_RECORD_BYTES` each it is 32 MiB, which takes as many strangers as there are peers.
 */
export const KAD_PEERS = 8_192;
/** Of them those that say to take part, and are remembered when they have gone. */
export const KAD_SERVERS = 1_024;
/** Who says to observe an election, of one election and of all. Each is a number of 8 bytes. */
export const KAD_PROVIDERS_PER_KEY = 32;
export const KAD_PROVIDERS = 4_096;
/** Peers that are being taken note of at a time; those beyond it are when they come again. */
export const KAD_NEWCOMERS = 16;
/** For a peer to say who it is and where. */
export const KAD_IDENTIFY_MS = 5_000;
/** How old what a peer said of itself may be before it is asked again, when it comes with a request. */
export const KAD_IDENTIFY_AGAIN_MS = 1_000;
/** An election's observers say so again within this time, or are forgotten. */
export const KAD_PROVIDER_MS = 60 * 60_000;

/** When a node tells where it can be found; parameters, so that a test need not wait. */
export interface PresenceTiming {
  /** Between looks at the machine's own addresses, which costs some 50 µs. */
  readonly watchMs: number;
  /** Between two times that changed addresses are told: those that change every second are told of this often. */
  readonly apartMs: number;
  /** They are told again after this time although nothing changed, since whoever was told may have forgotten. */
  readonly againMs: number;
  /** Waits before somebody who could not be told is tried again, doubling from the first to the longest. */
  readonly retryFirstMs: number;
  readonly retryLongestMs: number;
  /** For one peer to be reached and to answer, and for all that is said on one occasion. */
  readonly peerMs: number;
  readonly roundMs: number;
}

export const PRESENCE_TIMING: PresenceTiming = {
  watchMs: 1_000,
  apartMs: 5_000,
  againMs: 10 * 60_000,
  retryFirstMs: 2_000,
  retryLongestMs: 5 * 60_000,
  peerMs: 10_000,
  roundMs: 20_000,
};
/** Peers that a node tells by itself where it is: relays, observers, and those that were named. Others hear of it from them. */
export const PRESENCE_PEERS = 32;

/** Head start of a peer's known addresses before others are asked where it is: twice that of direct ones before relayed ones. */
export const LOOKUP_AFTER_MS = 2_000;
/** For one peer to be reached and to answer where another one is. */
export const LOOKUP_PEER_MS = 4_000;
/** For a whole search, twice one peer: what has been found by then is tried, and no more. Whoever waits for it tries all again after. */
export const LOOKUP_MS = 8_000;
/** Peers asked at a time, and in one search. Those that were named are asked first, so that no number of others keeps them from it. */
export const LOOKUP_AT_ONCE = 4;
export const LOOKUP_PEERS = 32;
/** Of what one peer says of another, so many addresses are tried, and so many peers looked at. */
export const LOOKUP_ADDRESSES = 8;
export const LOOKUP_ANSWER_PEERS = 64;
/** Where a search may begin: an invite's relays and observers, and those that were named. */
export const LOOKUP_ENTRY_POINTS = 16;
/** Addresses that a client keeps of one peer, those found last first. */
export const LINK_ADDRESSES = 16;
/** Observers of an election that are found in one search. */
export const LOOKUP_PROVIDERS = 16;

// Finding an election in one's own network (multicast DNS).

/** Between two questions to the network: a laptop answers at once, and packets are lost on a busy Wi-Fi. */
export const LAN_ASK_MS = 1_000;
/** Who answers asks as well, since the library can't only answer: this seldom. */
export const LAN_LISTEN_MS = 60 * 60_000;
/** Elections of which is heard at a time; a network with more is a crowded conference, or somebody's prank. */
export const LAN_ELECTIONS = 32;
/**
 * Addresses that are looked at of one peer, in all answers: anybody in the network can answer in its name, and where it is not as well.
 */
export const LAN_ADDRESSES = 64;
/** Addresses in one answer, which has to fit in a packet of 1,500 bytes; of more than one of a family, the first is enough. */
export const LAN_ANSWER_ADDRESSES = 8;

// Hole punching.

/** For a client to find a direct way beside the relayed one that it has: a few round trips, each through the relay or of 200 ms on a mobile network. */
export const PUNCH_MS = 4_000;
/** For STUN servers to say where this computer is seen: one round trip, and one repeated. */
export const GATHER_MS = 1_500;
/** From a request to the end of the handshake over the way that was found; the client has given up before. */
export const PUNCH_ANSWERED_MS = 2 * PUNCH_MS;
/** Attempts that a node takes part in at a time; who comes beyond it stays with the relay. Each is a socket, and sends some packets a second. */
export const MAX_PUNCHING = 64;
/** On one relayed connection, one after another: an honest client makes one. */
export const PUNCHES_PER_CONNECTION = 3;
/**
 * Addresses that a peer may name for itself: those of two networks, by both families. Each is sent packets to for as long as an attempt
 * lasts, whoever is there.
 */
export const MAX_CANDIDATES = 4;
/** STUN servers that are asked: the second is for the case that the first is down. */
export const MAX_STUN_SERVERS = 4;

// Dialling back (AutoNAT).

/** What a relay or an observer does for peers that ask whether they can be reached; parameters, so that a test need not wait. */
export interface DialBackLimits {
  /** For a peer to be reached: a connection and a handshake over a slow network. */
  readonly dialMs: number;
  /** Between two dials to one IPv4 address or IPv6 network (/64): a peer asks at its start and when its network changes, and can't try many ports. */
  readonly everyMs: number;
  /** Dials at a time, so that a thousand peers behind as many addresses can't make a flood of connections. */
  readonly atATime: number;
}

export const DIAL_BACK_LIMITS: DialBackLimits = { dialMs: 5_000, everyMs: 5_000, atATime: 16 };
/** For a peer to be connected, to be asked by which address this one is seen, and to dial back. */
export const REACH_ANSWER_MS = 20_000;

// Routers that forward ports (UPnP).

/** For routers to answer a search: they spread their answers over a second (`MX`). */
export const ROUTER_SEARCH_MS = 3_000;
/** Of those that answer, so many are asked: there is one, or one behind another. */
export const ROUTERS_ASKED = 3;
/** For a router to answer, which is a small computer in the same network. */
export const ROUTER_ANSWER_MS = 5_000;
/** A router's description of itself is some 10 KiB. */
export const ROUTER_ANSWER_BYTES = 128 * KIB;
/** How long a router forwards a port; asked for again after half of it. A computer that lost its power leaves it open for no longer. */
export const FORWARD_SECONDS = 60 * 60;
/** Until a router that refused or was not there is asked again: its owner may have switched it on. */
export const ROUTER_RETRY_MS = 60_000;
