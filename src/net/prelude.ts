/**
 * Fills what libp2p 3 needs and Node 20 lacks. Imported before libp2p by the one file that loads it, so that a plain
 * `node dist/admin.js` works on every supported version.
 */
interface Resolvers<T> {
  promise: Promise<T>;
  resolve: (value: T | PromiseLike<T>) => void;
  reject: (reason?: unknown) => void;
}

const promises = Promise as { withResolvers?: <T>() => Resolvers<T> };

promises.withResolvers ??= function withResolvers<T>(): Resolvers<T> {
  let resolve!: Resolvers<T>['resolve'];
  let reject!: Resolvers<T>['reject'];
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
};

export {};
