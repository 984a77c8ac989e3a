import type { Registry } from '../stores/registry.ts'

/** Which origins there are in the store. */
export interface Origins {
  /** Resolves once they are noted: to be done before anything of theirs is stored. */
  note(origins: Iterable<string>): Promise<void>
}

const LIST = 'origins/'

/** Asks the registry once for each origin. */
export function createOrigins(registry: Registry): Origins {
  const noted = new Set<string>()
  return {
    async note(origins) {
      for (const origin of origins) {
        if (noted.has(origin)) continue
        await registry.compareAndSet(LIST + origin, 0, Buffer.alloc(0))
        noted.add(origin)
      }
    },
  }
}

/** Every origin of which something was ever stored. */
export async function originsIn(registry: Registry): Promise<readonly string[]> {
  const origins: string[] = []
  for await (const { name } of registry.list(LIST)) origins.push(name.slice(LIST.length))
  return origins
}
