import { setTimeout as sleep } from 'node:timers/promises'
import { HeadwaterError, TransientError } from '../../errors.ts'
import type { Registry } from '../../stores/registry.ts'
import type { GroupState } from '../queue.ts'
import type { Link } from './connect.ts'
import type { GroupNames, Names } from './names.ts'
import { deleteGroup, hasExchange, readersOf, readyOf } from './topology.ts'

/** The groups of a topic: those that the registry remembers, since the broker can't be asked, as far as they are there. */
export interface Groups extends AsyncDisposable {
  /** Before a group is made, so that there is none that nobody knows of. */
  remember(group: string): Promise<void>
  /**
   * What waits for a group and what this process has of it; more where the broker goes on giving while it is asked. Less only
   * for the moment in which a reader gives back what it has.
   */
  backlog(link: Link, group: GroupNames): Promise<number>
  list(link: Link): Promise<readonly GroupState[]>
  remove(link: Link, group: string): Promise<boolean>
}

export interface GroupsOptions {
  readonly names: Names
  readonly openRegistry: () => Promise<Registry>
  /** Messages of a group that this process has. */
  readonly unacknowledged: (group: string) => Promise<number>
}

/** How long a reader that has stopped may still be counted. */
const LEAVING_MS = 3_000
const LOOK_MS = 100
const COUNTS = 5

export function createGroups({ names, openRegistry, unacknowledged }: GroupsOptions): Groups {
  const place = `queue/rabbitmq/${names.topic}/`
  let opened: Promise<Registry> | undefined
  let isClosed = false

  async function registry(): Promise<Registry> {
    if (isClosed) throw new TransientError('QUEUE_UNAVAILABLE', 'the queue was closed')
    opened ??= openRegistry().catch((error: unknown) => {
      opened = undefined
      throw error
    })
    return opened
  }

  async function backlog(link: Link, group: GroupNames): Promise<number> {
    let given = await unacknowledged(group.group)
    for (let counts = 1; ; counts++) {
      const ready = await readyOf(link, group)
      const before = given
      given = await unacknowledged(group.group)
      // What was given in between is counted on both sides.
      if (given === before || counts === COUNTS) return ready + Math.max(before, given)
    }
  }

  async function stateOf(link: Link, group: GroupNames): Promise<GroupState> {
    return {
      group: group.group,
      backlog: await backlog(link, group),
      holds: true,
      readers: await readersOf(link, group),
    }
  }

  async function forget(group: string): Promise<void> {
    const remembered = await registry()
    const entry = await remembered.get(place + group)
    if (entry) await remembered.remove(entry.name, entry.revision)
  }

  return {
    async remember(group) {
      // False where it is remembered already.
      if (group !== 'storage') await (await registry()).compareAndSet(place + group, 0, Buffer.of())
    },
    backlog,
    async list(link) {
      const states = [await stateOf(link, names.group('storage'))]
      for await (const { name } of (await registry()).list(place)) {
        const group = names.group(name.slice(place.length))
        if (await hasExchange(link, group.exchange)) states.push(await stateOf(link, group))
      }
      return states
    },
    async remove(link, group) {
      if (group === 'storage')
        throw new HeadwaterError(
          'USAGE',
          'the group storage carries reviews into the store and can not be removed',
        )
      const ofGroup = names.group(group)
      if (!(await hasExchange(link, ofGroup.exchange))) {
        await forget(group)
        return false
      }
      if (await isRead(link, ofGroup))
        throw new HeadwaterError('CONFLICT', `a reader of the group ${group} is at work: stop it first`)
      await deleteGroup(link, ofGroup)
      await forget(group)
      return true
    },
    async [Symbol.asyncDispose]() {
      isClosed = true
      const remembered = await opened?.catch(() => undefined)
      await remembered?.[Symbol.asyncDispose]()
    },
  }
}

async function isRead(link: Link, group: GroupNames): Promise<boolean> {
  const until = performance.now() + LEAVING_MS
  while ((await readersOf(link, group)) > 0) {
    if (performance.now() > until) return true
    await sleep(LOOK_MS)
  }
  return false
}
