import { HeadwaterError } from '../../src/errors.ts'
import type { Entry, Registry } from '../../src/stores/registry.ts'

const MAX_NAME_BYTES = 1_500

/** The contract of a registry with nothing else in the way. Disposing of it leaves it as it is, like a restart does. */
export function createMemoryRegistry(): Registry {
  const entries = new Map<string, Entry>()
  let revisions = 0

  return {
    get: async (name) => entries.get(checked(name)),
    async compareAndSet(name, revision, value) {
      if ((entries.get(checked(name))?.revision ?? 0) !== revision) return false
      entries.set(name, { name, value: Buffer.from(value), revision: ++revisions })
      return true
    },
    async *list(prefix) {
      const names = [...entries.keys()].filter((name) => name.startsWith(prefix))
      for (const name of names.toSorted((a, b) => Buffer.from(a).compare(Buffer.from(b)))) {
        const entry = entries.get(name)
        if (entry) yield entry
      }
    },
    remove: async (name, revision) => entries.get(name)?.revision === revision && entries.delete(name),
    async [Symbol.asyncDispose]() {},
  }
}

function checked(name: string): string {
  const bytes = Buffer.byteLength(name)
  if (name.isWellFormed() && bytes > 0 && bytes <= MAX_NAME_BYTES) return name
  throw new HeadwaterError('REGISTRY_NAME_INVALID', `expected 1 to ${MAX_NAME_BYTES} bytes, found ${bytes}`)
}
