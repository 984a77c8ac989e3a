import { join } from 'node:path'
import type { SourceContext } from '../../src/sources/source.ts'
import store from '../../src/stores/embedded/index.ts'
import type { Registry } from '../../src/stores/registry.ts'
import { plainProvider } from './plain-provider.ts'
import { silent } from './queue-context.ts'
import { temporaryFolder } from './temp.ts'

/** Where a source is opened again and again: what a place's registry holds outlives the source. */
export interface SourcePlaces extends AsyncDisposable {
  contextOf(place: string): Promise<SourceContext>
}

/** Places on embedded registries, for a source of this name. */
export async function openSourcePlaces(
  source: Pick<SourceContext, 'name' | 'origin'>,
): Promise<SourcePlaces> {
  await using opened = new AsyncDisposableStack()
  const folder = opened.use(await temporaryFolder())
  const context = { logger: silent, signal: new AbortController().signal, dataDir: folder.path }
  const registries = new Map<string, Registry>()
  const resources = opened.move()

  async function registryOf(place: string): Promise<Registry> {
    const known = registries.get(place)
    if (known) return known
    const registry = resources.use(await store.openRegistry({ dir: join(folder.path, place) }, context))
    registries.set(place, registry)
    return registry
  }

  return {
    contextOf: async (place) => ({
      ...context,
      ...source,
      run: 'run-1',
      split: (document) => [{ raw: document }],
      provider: plainProvider(),
      repeated: () => {},
      clock: Date.now,
      registry: await registryOf(place),
      http: { add: () => true },
      httpIsLoopback: true,
      trouble: () => {},
    }),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}
