import type { Cancellable } from '../../batch.ts'
import type { Registry } from '../../stores/registry.ts'
import { type Lease, NO_LEASE } from './share.ts'

/** What the registry says of one group, each with the revision it had. */
export interface GroupPage {
  readonly exists: boolean
  readonly beats: Map<string, { readonly beat: number; readonly revision: number }>
  readonly leases: Map<string, Lease & { readonly revision: number }>
}

/** Groups, their readers and their leases, as the registry keeps them. */
export interface Book {
  groups(options?: Cancellable): Promise<readonly string[]>
  read(group: string, options?: Cancellable): Promise<GroupPage>
  ensure(group: string, options?: Cancellable): Promise<void>
  /** The reader lives. False where somebody has changed its entry. */
  beat(group: string, reader: string, revision: number, beat: number): Promise<boolean>
  forgetReader(group: string, reader: string, revision: number): Promise<void>
  lease(group: string, shard: string, options?: Cancellable): Promise<Lease & { readonly revision: number }>
  setLease(group: string, shard: string, revision: number, lease: Lease): Promise<boolean>
  forgetLease(group: string, shard: string, revision: number): Promise<void>
  /** Removes all there is of a group. */
  remove(group: string, options?: Cancellable): Promise<void>
}

/**
 * Names are `queue/kinesis/<stream>/<group>/…`. What was written about another stream of the same name, before it was
 * made anew, counts as absent: its sequence numbers mean nothing in this one.
 */
export function createBook(registry: Registry, stream: string, identity: string): Book {
  const root = `queue/kinesis/${stream}/`
  const at = (group: string): string => `${root}${escape(group)}/`
  const markOf = (group: string): string => `${at(group)}group`
  const readerOf = (group: string, reader: string): string => `${at(group)}readers/${reader}`
  const leaseOf = (group: string, shard: string): string => `${at(group)}shards/${shard}`

  function toLease(value: Buffer): Lease {
    const { of, owner, checkpoint } = JSON.parse(value.toString()) as Lease & { readonly of: string }
    return of === identity ? { owner, checkpoint } : NO_LEASE
  }

  return {
    async groups(options) {
      const names = new Set<string>()
      for await (const { name } of registry.list(root, options)) {
        const [group, what] = name.slice(root.length).split('/')
        if (group !== undefined && what === 'group') names.add(decodeURIComponent(group))
      }
      return [...names]
    },
    async read(group, options) {
      const page: GroupPage = { exists: false, beats: new Map(), leases: new Map() }
      let exists = false
      for await (const { name, value, revision } of registry.list(at(group), options)) {
        const [what, id = ''] = name.slice(at(group).length).split('/')
        if (what === 'group') exists = true
        if (what === 'readers') page.beats.set(id, { beat: Number(value.toString()), revision })
        if (what === 'shards') page.leases.set(id, { ...toLease(value), revision })
      }
      return { ...page, exists }
    },
    async ensure(group, options) {
      if ((await registry.get(markOf(group), options)) !== undefined) return
      // Whoever was faster wrote the same.
      await registry.compareAndSet(markOf(group), 0, Buffer.from('{}'), options)
    },
    beat: (group, reader, revision, beat) =>
      registry.compareAndSet(readerOf(group, reader), revision, Buffer.from(String(beat))),
    async forgetReader(group, reader, revision) {
      await registry.remove(readerOf(group, reader), revision)
    },
    async lease(group, shard, options) {
      const entry = await registry.get(leaseOf(group, shard), options)
      return entry ? { ...toLease(entry.value), revision: entry.revision } : { ...NO_LEASE, revision: 0 }
    },
    setLease(group, shard, revision, { owner, checkpoint }) {
      const value = JSON.stringify({ of: identity, owner, checkpoint })
      return registry.compareAndSet(leaseOf(group, shard), revision, Buffer.from(value))
    },
    async forgetLease(group, shard, revision) {
      await registry.remove(leaseOf(group, shard), revision)
    },
    async remove(group, options) {
      for await (const { name, revision } of registry.list(at(group), options))
        await registry.remove(name, revision, options)
    },
  }
}

/** A name in one piece, as it is where it is plain. */
const escape = (group: string): string => group.replaceAll(/[%/]/g, encodeURIComponent)
