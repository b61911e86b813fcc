import type { Connection } from '@libp2p/interface';
import type { Libp2p } from 'libp2p';

/**
 * Closes connections on which no stream has been open for `idleMs`, give or take a quarter: a client opens one again
 * when it asks something. Those that `isKept` says are of use as they are stay. Returns the function that stops it.
 */
export function closeIdleConnections(
  host: Libp2p,
  idleMs: number,
  isKept: (connection: Connection) => boolean,
): () => void {
  const lastUse = new WeakMap<Connection, number>();
  const sweep = setInterval(() => {
    const now = performance.now();
    for (const connection of host.getConnections()) {
      const last = lastUse.get(connection);
      if (last === undefined || connection.streams.length > 0 || isKept(connection))
        lastUse.set(connection, now);
      else if (now - last >= idleMs)
        connection.abort(new Error('nothing was asked on this connection for long'));
    }
  }, idleMs / 4);
  sweep.unref();
  return () => {
    clearInterval(sweep);
  };
}
