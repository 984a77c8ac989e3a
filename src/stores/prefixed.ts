import type { Registry } from './registry.ts'

/** A registry within another one: every name begins with the prefix. Disposing of it leaves the other one open. */
export function prefixed(registry: Registry, prefix: string): Registry {
  return {
    get: (name, options) => registry.get(prefix + name, options),
    compareAndSet: (name, revision, value, options) =>
      registry.compareAndSet(prefix + name, revision, value, options),
    remove: (name, revision, options) => registry.remove(prefix + name, revision, options),
    async *list(start, options) {
      for await (const entry of registry.list(prefix + start, options)) {
        yield { ...entry, name: entry.name.slice(prefix.length) }
      }
    },
    async [Symbol.asyncDispose]() {},
  }
}
