import { BaseDatastore } from 'datastore-core';
import type { KeyQuery, Pair, Query } from 'interface-datastore';
import { Key } from 'interface-datastore/key';

/** What may be kept under keys that begin with `prefix`. */
export interface Shelf {
  readonly prefix: string;
  /** Values at most; the one put longest ago makes room for a new one. */
  readonly values: number;
  /** The same for those whose keys differ in the last part alone. */
  readonly perParent: number;
  readonly valueBytes: number;
}

/**
 * What libp2p keeps of peers and of what they say, in memory and bounded, since strangers decide what comes in. Values that are too
 * large, or belong on no shelf, are refused with an error, which ends the stream that they came on.
 */
export class BoundedDatastore extends BaseDatastore {
  readonly #values = new Map<string, Uint8Array>();
  readonly #shelves: readonly ShelfKeys[];

  /** What `isKept` makes room for nothing, as long as it says so. */
  constructor(shelves: readonly Shelf[], isKept: (key: string) => boolean = () => false) {
    super();
    this.#shelves = shelves.map((shelf) => new ShelfKeys(shelf, isKept));
  }

  /** Values kept now. */
  get size(): number {
    return this.#values.size;
  }

  override put(key: Key, value: Uint8Array): Key {
    const text = key.toString();
    const shelf = this.#shelfOf(text);
    if (shelf === undefined) throw new Error(`nothing is kept under ${text}`);
    if (value.length > shelf.valueBytes) throw new Error(`${value.length} bytes are too many to be kept`);
    for (const dropped of shelf.add(text)) this.#values.delete(dropped);
    this.#values.set(text, value);
    return key;
  }

  override get(key: Key): Uint8Array {
    const value = this.#values.get(key.toString());
    if (value === undefined) throw new NotFound(`there is no ${key.toString()}`);
    return value;
  }

  override has(key: Key): boolean {
    return this.#values.has(key.toString());
  }

  override delete(key: Key): void {
    const text = key.toString();
    this.#shelfOf(text)?.remove(text);
    this.#values.delete(text);
  }

  override *_all(query: Query): Generator<Pair> {
    for (const text of this.#under(query.prefix)) {
      const value = this.#values.get(text);
      if (value !== undefined) yield { key: new Key(text), value };
    }
  }

  override *_allKeys(query: KeyQuery): Generator<Key> {
    for (const text of this.#under(query.prefix)) yield new Key(text);
  }

  /** The providers of one election are looked up whenever a stranger asks: not among those of all. */
  #under(prefix = ''): readonly string[] {
    const children = this.#shelfOf(prefix)?.childrenOf(prefix);
    return children ?? [...this.#values.keys()];
  }

  #shelfOf(text: string): ShelfKeys | undefined {
    return this.#shelves.find(({ prefix }) => text.startsWith(prefix));
  }
}

/** The library knows by the name that a value is missing. */
class NotFound extends Error {
  override readonly name = 'NotFoundError';
}

/** The keys on one shelf, those put longest ago first. */
class ShelfKeys {
  readonly prefix: string;
  readonly valueBytes: number;
  readonly #shelf: Shelf;
  readonly #isKept: (key: string) => boolean;
  readonly #keys = new Set<string>();
  readonly #byParent = new Map<string, Set<string>>();

  constructor(shelf: Shelf, isKept: (key: string) => boolean) {
    this.prefix = shelf.prefix;
    this.valueBytes = shelf.valueBytes;
    this.#shelf = shelf;
    this.#isKept = isKept;
  }

  /** Adds a key as the newest; returns those that made room for it. */
  add(key: string): string[] {
    const isNew = !this.#keys.has(key);
    this.remove(key);
    const dropped = isNew ? this.#makeRoom(parentOf(key)) : [];
    const siblings = this.#byParent.get(parentOf(key)) ?? new Set();
    this.#byParent.set(parentOf(key), siblings.add(key));
    this.#keys.add(key);
    return dropped;
  }

  remove(key: string): void {
    this.#keys.delete(key);
    const siblings = this.#byParent.get(parentOf(key));
    siblings?.delete(key);
    if (siblings?.size === 0) this.#byParent.delete(parentOf(key));
  }

  childrenOf(parent: string): readonly string[] | undefined {
    const children = this.#byParent.get(parent);
    return children === undefined ? undefined : [...children];
  }

  #makeRoom(parent: string): string[] {
    const { values, perParent } = this.#shelf;
    const siblings = this.#byParent.get(parent);
    const dropped =
      siblings !== undefined && siblings.size >= perParent
        ? this.#oldest(siblings)
        : this.#keys.size >= values
          ? this.#oldest(this.#keys)
          : undefined;
    if (dropped === undefined) return [];
    this.remove(dropped);
    return [dropped];
  }

  #oldest(keys: ReadonlySet<string>): string | undefined {
    for (const key of keys) if (!this.#isKept(key)) return key;
    return undefined;
  }
}

function parentOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/'));
}
