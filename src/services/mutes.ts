import { HeadwaterError } from '../errors.ts'
import { overwrite, type Registry } from '../stores/registry.ts'
import { openChanges } from './changes.ts'

/** A fault that somebody expects: its letters are counted, audited and kept like all others, but not shown unasked. */
export interface Mute {
  readonly reason: string
  readonly by: string
  /** RFC 3339. */
  readonly at: string
}

export interface Mutes {
  /** Replaces an earlier reason. */
  mute(cluster: string, reason: string, by: string): Promise<Mute>
  /** Throws NOT_FOUND where it isn't muted. */
  unmute(cluster: string, by: string): Promise<void>
  /** By their clusters. */
  list(): Promise<ReadonlyMap<string, Mute>>
}

const LIST = 'mutes/'

export function openMutes(registry: Registry, clock: () => number = Date.now): Mutes {
  const changes = openChanges(registry, clock)

  return {
    async mute(cluster, reason, by) {
      const mute = { reason, by, at: new Date(clock()).toISOString() }
      await overwrite(registry, LIST + cluster, Buffer.from(JSON.stringify(mute)))
      await changes.note({ who: by, what: 'mute', about: `cluster ${cluster}`, details: { reason } })
      return mute
    },
    async unmute(cluster, by) {
      const entry = await registry.get(LIST + cluster)
      if (entry === undefined || !(await registry.remove(LIST + cluster, entry.revision))) {
        throw new HeadwaterError(
          'NOT_FOUND',
          `the cluster ${cluster} is not muted: \`headwater dlq clusters --muted\` shows those that are`,
        )
      }
      await changes.note({ who: by, what: 'unmute', about: `cluster ${cluster}`, details: {} })
    },
    async list() {
      const mutes = new Map<string, Mute>()
      for await (const { name, value } of registry.list(LIST))
        mutes.set(name.slice(LIST.length), JSON.parse(value.toString()) as Mute)
      return mutes
    },
  }
}
