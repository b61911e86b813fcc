import { Option } from 'commander';

/** --bootstrap, for a program that looks for others. */
export function bootstrapOption(): Option {
  return new Option(
    '--bootstrap <multiaddr>',
    'a relay or observer, ending in /p2p/…, to be asked where others are, besides those that are known; repeatable',
  )
    .argParser((value: string, before: readonly string[]) => [...before, value])
    .default([], 'none');
}

/** --no-dht, for a program that others look for. */
export function noDhtOption(): Option {
  return new Option(
    '--no-dht',
    'have nobody tell others where this program is, who know it by its key alone, and tell nobody of others',
  );
}
