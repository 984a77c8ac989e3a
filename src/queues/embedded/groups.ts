import { setTimeout as sleep } from 'node:timers/promises'
import { HeadwaterError } from '../../errors.ts'
import type { GroupState } from '../queue.ts'
import { LEASE_MS, RENEW_MS } from './lease.ts'
import type { Log } from './log.ts'
import { backlogOf, ensureGroup, findGroup, type Topic } from './topic.ts'

/** The log of a topic, and the one of each group that only that group sees. */
export interface Logs {
  readonly main: Log
  readonly own: (group: string) => Log
}

/** The groups of a topic, with what waits for each in both logs. */
export function listGroups({ main, own }: Logs): readonly GroupState[] {
  const topic = main.state()
  return topic.groups.map(({ name: group, hold: holds, readers }) => {
    const backlog = backlogOf(topic, group) + backlogOf(own(group).state(), group)
    return { group, backlog, holds, readers: Object.keys(readers).length }
  })
}

/** Makes a group. Throws `CONFLICT` where there is one that holds and this one shall not, or the other way about. */
export async function addGroup(log: Log, group: string, hold: boolean): Promise<void> {
  const known = await log.change((topic) => ensureGroup(topic, group, hold))
  if (known.hold === hold) return
  const found = known.hold ? 'one that holds' : 'one that does not hold'
  throw new HeadwaterError('CONFLICT', `the group ${group} is there already, ${found}: remove it first`)
}

/** Removes a group from both logs. One whose readers show that they live is left alone. */
export async function removeGroup({ main, own }: Logs, group: string): Promise<boolean> {
  if (group === 'storage') {
    throw new HeadwaterError(
      'USAGE',
      'the group storage carries reviews into the store and can not be removed',
    )
  }
  if (findGroup(main.state(), group) === undefined) return false
  const before = beatsOf(main.state(), group)
  // A reader that died looks like one that lives until it has been silent for as long as a lease lasts.
  if (before.size > 0) await sleep(LEASE_MS + RENEW_MS)
  await main.change((topic) => {
    const isAtWork = [...beatsOf(topic, group)].some(([reader, beat]) => before.get(reader) !== beat)
    if (isAtWork)
      throw new HeadwaterError('CONFLICT', `a reader of the group ${group} is at work: stop it first`)
    topic.groups.splice(0, Infinity, ...topic.groups.filter(({ name }) => name !== group))
  })
  if (own(group).exists()) await own(group).remove()
  return true
}

const beatsOf = (topic: Topic, group: string): ReadonlyMap<string, number> =>
  new Map(Object.entries(findGroup(topic, group)?.readers ?? {}))
