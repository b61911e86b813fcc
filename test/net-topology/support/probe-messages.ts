/** Where something came from or goes to. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** What a test has a probe do. A datagram's text has a character for each of its bytes. Sockets are named by their local port. */
export type Command =
  /** Opens a UDP socket; port 0 takes any. */
  | { readonly do: 'open-udp'; readonly port: number }
  | { readonly do: 'send-udp'; readonly port: number; readonly to: Endpoint; readonly text: string }
  | { readonly do: 'listen-tcp'; readonly port: number }
  /** Connects from a local port (0: any). */
  | { readonly do: 'connect-tcp'; readonly port: number; readonly to: Endpoint };

export type Reply =
  /** The local port. */
  { readonly id: number; readonly port: number } | { readonly id: number; readonly failed: string };

/** A datagram that arrived at a UDP socket, or a connection at a TCP one. */
export interface Arrival {
  readonly port: number;
  readonly from: Endpoint;
  readonly text: string;
}

export type FromProbe = Reply | { readonly arrival: Arrival };
