import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import type { Logger } from '../../adapter.ts'
import type { Rejection } from '../../batch.ts'
import { HeadwaterError } from '../../errors.ts'
import { bytes, duration } from '../../lib/fields.ts'
import { formatBytes } from '../../lib/units.ts'
import { checkName } from '../name.ts'
import type { Message, Queue, QueueAdapter } from '../queue.ts'
import { encodeBlocks } from './block.ts'
import { type Folder, openFolder, PARTITIONS } from './folder.ts'
import { addGroup, listGroups, type Logs, removeGroup } from './groups.ts'
import { createLog, type Limits, type Log } from './log.ts'
import { createMember, type Member } from './member.ts'
import { createOnlooker } from './onlooker.ts'
import { readBatches, type Stream } from './reader.ts'
import { backlogOf, ensureGroup, findGroup } from './topic.ts'

const config = z.strictObject({
  dir: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'The folder of the log; `queue` in the data folder.' }),
  retentionMs: duration()
    .prefault('1h')
    .meta({ description: 'How long messages are kept that the holding groups have read.' }),
  maxBytes: bytes()
    .prefault('10GiB')
    .meta({ description: 'How much one topic keeps; beyond it publishing waits for the holding groups.' }),
  maxMessageBytes: bytes().prefault('64MiB').meta({ description: 'The largest message that is taken.' }),
})

type Config = z.output<typeof config>

/** What other processes acknowledge is noticed after so long at the latest. */
const LOOK_MS = 50

/** A durable log in a folder of this machine. Several processes may publish to it and read from it. */
const embedded: QueueAdapter<Config> = {
  config,
  folders: ({ dir }, { dataDir }) => ({ queue: dir ?? join(dataDir, 'queue') }),
  async open({ dir, maxMessageBytes, ...limits }, { dataDir, topic, logger }) {
    checkName('topic', topic)
    const folder = await openFolder(dir ?? join(dataDir, 'queue'))
    const logs = openLogs(folder, topic, limits)
    try {
      await ensureStorage(logs.main)
    } catch (error) {
      await folder[Symbol.asyncDispose]()
      throw error
    }
    return createQueue({ folder, logs, maxMessageBytes, logger })
  },
}

export default embedded

function openLogs(folder: Folder, topic: string, limits: Limits): Logs {
  const own = new Map<string, Log>()
  return {
    main: createLog(folder, topic, limits, Date.now),
    own(group) {
      // No topic that a person names begins like this.
      const log = own.get(group) ?? createLog(folder, `>${group}>${topic}`, limits, Date.now)
      own.set(group, log)
      return log
    },
  }
}

/** Writes only where it must, so that who only looks needs neither the lock nor room on the disk. */
async function ensureStorage(log: Log): Promise<void> {
  if (findGroup(log.state(), 'storage')) return
  await log.change((topic) => {
    ensureGroup(topic, 'storage', true)
  })
}

interface Parts {
  readonly folder: Folder
  readonly logs: Logs
  readonly maxMessageBytes: number
  readonly logger: Logger
}

interface MemberStream extends Stream {
  readonly holding: Member
}

function createQueue({ folder, logs, maxMessageBytes, logger }: Parts): Queue {
  const bell = folder.content
  const closing = new AbortController()
  const streams = new Map<Log, Map<string, MemberStream>>()
  let closed: Promise<void> | undefined

  /** A group's place in a log: one for all that read it through this queue. */
  function streamOf(log: Log, group: string): Stream {
    const ofLog = streams.get(log) ?? new Map<string, MemberStream>()
    streams.set(log, ofLog)
    const now = () => performance.now()
    const stream = ofLog.get(group) ?? {
      log,
      holding: createMember({ log, bell, group, id: randomUUID(), logger, now }),
    }
    ofLog.set(group, stream)
    return stream
  }

  function streamsOf(group: string): readonly Stream[] {
    const own = logs.own(group)
    return [streamOf(logs.main, group), ...(own.exists() ? [streamOf(own, group)] : [])]
  }

  async function append(log: Log, messages: readonly Message[]): Promise<readonly Rejection[]> {
    const fits = ({ body }: Message): boolean => body.length <= maxMessageBytes
    const blocks = encodeBlocks(messages.filter(fits), PARTITIONS)
    if (blocks.length > 0) await log.append(blocks)
    return messages.flatMap((message, index) => (fits(message) ? [] : [tooLarge(message, index)]))
  }

  async function close(): Promise<void> {
    closing.abort()
    const members = [...streams.values()].flatMap((ofLog) => [...ofLog.values()])
    await Promise.all(members.map(({ holding }) => holding.close()))
    await folder[Symbol.asyncDispose]()
  }

  return {
    maxMessageBytes,
    async publish(messages, { signal } = {}) {
      signal?.throwIfAborted()
      return append(logs.main, messages)
    },
    async publishTo(group, messages, { signal } = {}) {
      signal?.throwIfAborted()
      if (findGroup(logs.main.state(), group) === undefined) throw noGroup(group)
      const own = logs.own(group)
      // It holds: nobody else waits for these messages.
      if (!own.exists()) await addGroup(own, group, true)
      return append(own, messages)
    },
    read({ group, ...options }) {
      const reading = { bell, closing: closing.signal }
      if (group === undefined) {
        const alone = [{ log: logs.main, holding: createOnlooker(logs.main, logger) }]
        return readBatches({ ...reading, streams: () => alone }, options)
      }
      checkName('group', group)
      return readBatches({ ...reading, streams: () => streamsOf(group) }, options)
    },
    async check() {
      logs.main.state()
    },
    async backlog(group) {
      return backlogOf(logs.main.state(), group) + backlogOf(logs.own(group).state(), group)
    },
    async oldestAgeMs(group) {
      return Math.max(logs.main.oldestAgeMs(group), logs.own(group).oldestAgeMs(group))
    },
    async caughtUp(group, { signal }) {
      const stop = AbortSignal.any([signal, closing.signal])
      const both = [logs.main, logs.own(group)].map((log) => ({ log, ends: endsOf(log) }))
      const isBehind = () => both.some(({ log, ends }) => backlogOf(log.state(), group, ends) > 0)
      while (!stop.aborted && isBehind()) await bell.wait(stop, LOOK_MS)
    },
    async groups() {
      return listGroups(logs)
    },
    async addGroup(group, { hold }) {
      checkName('group', group)
      await addGroup(logs.main, group, hold)
    },
    removeGroup: (group) => removeGroup(logs, group),
    [Symbol.asyncDispose]: () => (closed ??= close()),
  }

  function tooLarge({ body }: Message, index: number): Rejection {
    const message = `The message has ${formatBytes(body.length)}, and this queue takes at most ${formatBytes(maxMessageBytes)}.`
    return { index, code: 'message_too_large', message }
  }
}

const endsOf = (log: Log): readonly number[] => log.state().partitions.map(({ next }) => next)

function noGroup(group: string): HeadwaterError {
  return new HeadwaterError(
    'NOT_FOUND',
    `there is no group ${group}: \`headwater groups list\` shows what there is, \`headwater groups add\` makes one`,
  )
}
