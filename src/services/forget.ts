import type { Registry } from '../stores/registry.ts'

/** Removes an entry as it is now; one that somebody changes at that moment stays. */
export async function forget(registry: Registry, name: string): Promise<void> {
  const entry = await registry.get(name)
  if (entry) await registry.remove(name, entry.revision)
}
