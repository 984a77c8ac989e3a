import { pathToFileURL } from 'node:url'
import type { Registry } from '../../src/stores/registry.ts'
import type { StoreAdapter } from '../../src/stores/store.ts'
import { silent } from './queue-context.ts'

/** Opens a registry of the kind that the adapter's own file makes. */
export async function openRegistry(module: string, settings: object): Promise<Registry> {
  const { default: adapter } = (await import(pathToFileURL(module).href)) as {
    default: StoreAdapter<unknown>
  }
  const context = { logger: silent, signal: new AbortController().signal, dataDir: '.' }
  return adapter.openRegistry(adapter.config.parse(settings), context)
}
