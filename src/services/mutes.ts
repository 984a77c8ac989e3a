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
      const change = { who: by, what: 'mute', about: `cluster ${cluster}`, details: { reason } }
      await changes.make(change, () => overwrite(registry, LIST + cluster, Buffer.from(JSON.stringify(mute))))
      return mute
    },
    async unmute(cluster, by) {
      const entry = await registry.get(LIST + cluster)
      if (entry === undefined) throw notMuted(cluster)
      const change = { who: by, what: 'unmute', about: `cluster ${cluster}`, details: {} }
      await changes.make(change, async () => {
        if (!(await registry.remove(LIST + cluster, entry.revision))) throw notMuted(cluster)
      })
    },
    async list() {
      const mutes = new Map<string, Mute>()
      for await (const { name, value } of registry.list(LIST))
        mutes.set(name.slice(LIST.length), JSON.parse(value.toString()) as Mute)
      return mutes
    },
  }
}

const notMuted = (cluster: string): HeadwaterError =>
  new HeadwaterError(
    'NOT_FOUND',
    `the cluster ${cluster} is not muted: \`headwater dlq clusters --muted\` shows those that are`,
  )
