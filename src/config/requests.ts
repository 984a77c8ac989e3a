import { loadPreset } from '../presets/index.ts'
import { isMapping } from './names.ts'

/** Parts of a request that a user adds to; all else that is written replaces what the preset says. */
const ADDED_TO = ['params', 'headers']

/**
 * The config with what sources of the type http-poll leave out and their preset knows: how its provider is asked. What stands
 * there counts. A preset that can't be read is left to whoever opens the source.
 */
export async function withRequests(value: unknown): Promise<unknown> {
  if (!isMapping(value) || !Array.isArray(value['sources'])) return value
  const sources: readonly unknown[] = value['sources']
  return { ...value, sources: await Promise.all(sources.map(withRequest)) }
}

async function withRequest(source: unknown): Promise<unknown> {
  if (!isMapping(source) || source['type'] !== 'http-poll' || typeof source['preset'] !== 'string')
    return source
  const { request = {} } = await loadPreset(source['preset']).catch(() => ({ request: {} }))
  const added = ADDED_TO.flatMap((name) => {
    const [theirs, ours] = [request[name], source[name]]
    return isMapping(theirs) && isMapping(ours) ? [[name, { ...theirs, ...ours }]] : []
  })
  return { ...request, ...source, ...Object.fromEntries(added) }
}
