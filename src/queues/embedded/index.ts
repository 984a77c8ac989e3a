import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import type { Logger } from '../../adapter.ts'
import type { Rejection } from '../../batch.ts'
import { HeadwaterError } from '../../errors.ts'
import { bytes, duration } from '../../lib/fields.ts'
import { formatBytes } from '../../lib/units.ts'
import type { Message, Queue, QueueAdapter } from '../queue.ts'
import { encodeBlocks } from './block.ts'
import { type Folder, openFolder, PARTITIONS } from './folder.ts'
import { createLog, type Log } from './log.ts'
import { createMember, type Member } from './member.ts'
import { createOnlooker } from './onlooker.ts'
import { readBatches } from './reader.ts'
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
  async open({ dir, maxMessageBytes, ...limits }, { dataDir, topic, logger }) {
    checkName('topic', topic)
    const folder = await openFolder(dir ?? join(dataDir, 'queue'))
    const log = createLog(folder, topic, limits, Date.now)
    try {
      await ensureStorage(log)
    } catch (error) {
      await folder[Symbol.asyncDispose]()
      throw error
    }
    return createQueue({ folder, log, maxMessageBytes, logger })
  },
}

export default embedded

/** Writes only where it must, so that who only looks needs neither the lock nor room on the disk. */
async function ensureStorage(log: Log): Promise<void> {
  if (findGroup(log.state(), 'storage')) return
  await log.change((topic) => {
    ensureGroup(topic, 'storage', true)
  })
}

interface Parts {
  readonly folder: Folder
  readonly log: Log
  readonly maxMessageBytes: number
  readonly logger: Logger
}

function createQueue({ folder, log, maxMessageBytes, logger }: Parts): Queue {
  const bell = folder.content
  const closing = new AbortController()
  const members = new Map<string, Member>()
  let closed: Promise<void> | undefined

  function memberOf(group: string): Member {
    checkName('group', group)
    const known = members.get(group)
    if (known) return known
    const now = () => performance.now()
    const member = createMember({ log, bell, group, id: randomUUID(), logger, now })
    members.set(group, member)
    return member
  }

  async function close(): Promise<void> {
    closing.abort()
    await Promise.all([...members.values()].map((member) => member.close()))
    await folder[Symbol.asyncDispose]()
  }

  return {
    maxMessageBytes,
    async publish(messages, { signal } = {}) {
      signal?.throwIfAborted()
      const fits = ({ body }: Message): boolean => body.length <= maxMessageBytes
      const blocks = encodeBlocks(messages.filter(fits), PARTITIONS)
      if (blocks.length > 0) await log.append(blocks)
      return messages.flatMap((message, index) => (fits(message) ? [] : [tooLarge(message, index)]))
    },
    read({ group, ...options }) {
      const holding = group === undefined ? createOnlooker(log, logger) : memberOf(group)
      return readBatches({ log, bell, holding, closing: closing.signal }, options)
    },
    async backlog(group) {
      return backlogOf(log.state(), group)
    },
    async oldestAgeMs(group) {
      return log.oldestAgeMs(group)
    },
    async caughtUp(group, { signal }) {
      const stop = AbortSignal.any([signal, closing.signal])
      const ends = log.state().partitions.map(({ next }) => next)
      while (!stop.aborted && backlogOf(log.state(), group, ends) > 0) await bell.wait(LOOK_MS, stop)
    },
    [Symbol.asyncDispose]: () => (closed ??= close()),
  }

  function tooLarge({ body }: Message, index: number): Rejection {
    const message = `The message has ${formatBytes(body.length)}, and this queue takes at most ${formatBytes(maxMessageBytes)}.`
    return { index, code: 'message_too_large', message }
  }
}

function checkName(what: 'topic' | 'group', name: string): void {
  if (/^[\p{L}\p{N}][^\p{C}]{0,199}$/u.test(name)) return
  throw new HeadwaterError(
    'CONFIG_INVALID',
    `expected a ${what} of at most 200 characters that begins with a letter or a digit, found ${JSON.stringify(name)}`,
  )
}
