import type { Channel } from 'amqplib'
import type { Logger } from '../../adapter.ts'
import { HeadwaterError } from '../../errors.ts'
import type { Link } from './connect.ts'
import { type GroupNames, type Names, SLOTS } from './names.ts'
import { isNotFound } from './translate.ts'

/** Does some work on a channel of its own, since the broker closes a channel for each thing that is refused. */
export async function onChannel<T>(link: Link, work: (channel: Channel) => Promise<T>): Promise<T> {
  const channel = await link.createChannel()
  channel.on('error', () => {}) // whoever waits for the answer is told
  try {
    return await work(channel)
  } finally {
    channel.close().catch(() => {})
  }
}

export function hasExchange(link: Link, exchange: string): Promise<boolean> {
  return isThere(onChannel(link, (channel) => channel.checkExchange(exchange)))
}

function hasQueue(link: Link, queue: string): Promise<boolean> {
  return isThere(onChannel(link, (channel) => channel.checkQueue(queue)))
}

async function isThere(asked: Promise<unknown>): Promise<boolean> {
  try {
    await asked
    return true
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}

/** Makes the exchange that everything is published to. */
export async function ensureTopic(link: Link, { topic }: Names): Promise<void> {
  await onChannel(link, (channel) => channel.assertExchange(topic, 'fanout', { durable: true }))
}

/**
 * Makes what is missing of a group: the topic's exchange → the group's exchange → by slot → one of its queues. The queues are
 * made from the last to the first: where the first is there, all were.
 */
export async function ensureGroup(
  link: Link,
  names: GroupNames,
  topic: string,
  logger: Logger,
): Promise<void> {
  await checkCount(link, names)
  const { exchange, queues, readers } = names
  await onChannel(link, (channel) => channel.assertExchange(exchange, 'direct', { durable: true }))
  await ensureQueue(link, readers, {}, logger)
  for (const queue of queues.toReversed())
    await ensureQueue(link, queue, { 'x-single-active-consumer': true }, logger)
  await onChannel(link, async (channel) => {
    for (let slot = 0; slot < SLOTS; slot++)
      await channel.bindQueue(queueOf(names, slot), exchange, String(slot))
    await channel.bindExchange(exchange, topic, '')
  })
}

const queueOf = ({ queues }: GroupNames, slot: number): string => queues[slot % queues.length] ?? ''

/** A key must not find another queue than its earlier messages lie in. */
async function checkCount(link: Link, { group, exchange, queues }: GroupNames): Promise<void> {
  const { length } = queues
  if (!(await hasQueue(link, `${exchange}.0`))) return
  const isFewer = !(await hasQueue(link, `${exchange}.${length - 1}`))
  const isMore = await hasQueue(link, `${exchange}.${length}`)
  if (!isFewer && !isMore) return
  throw new HeadwaterError(
    'CONFIG_INVALID',
    `queue.queues: expected as many as the group ${group} was made with, found ${length}: it has ${isMore ? 'more' : 'fewer'}, ` +
      `which are called ${exchange}.0 and so on; once they are empty they may be deleted, and are made anew`,
  )
}

async function ensureQueue(link: Link, queue: string, args: object, logger: Logger): Promise<void> {
  const durable = { durable: true, arguments: { 'x-queue-type': 'quorum', ...args } }
  const { version } = link.model.connection.serverProperties
  if (Number.parseInt(version, 10) < 4) {
    await onChannel(link, (channel) => channel.assertQueue(queue, durable))
    return
  }
  // From 4.0 on the broker throws away what came again twenty times, unless it is told not to.
  const unlimited = { ...durable, arguments: { ...durable.arguments, 'x-delivery-limit': -1 } }
  try {
    await onChannel(link, (channel) => channel.assertQueue(queue, unlimited))
  } catch (error) {
    if (!(error instanceof Error && error.message.includes('x-delivery-limit'))) throw error
    logger.warn(
      { queue },
      'this queue was made by an earlier version of RabbitMQ and has a delivery limit: set a policy with delivery-limit -1 on it',
    )
    await onChannel(link, (channel) => channel.assertQueue(queue, durable))
  }
}

/** Messages that wait in the queues of a group, which no reader has. Throws where one of the queues is missing. */
export async function readyOf(link: Link, { queues }: GroupNames): Promise<number> {
  return onChannel(link, async (channel) => {
    let ready = 0
    for (const queue of queues) ready += (await channel.checkQueue(queue)).messageCount
    return ready
  })
}

/** Shows that a group has one more reader, for as long as the channel is open. */
export async function enlist(channel: Channel, { readers }: GroupNames): Promise<void> {
  await channel.consume(readers, () => {}, { noAck: true })
}

/** How many readers a group has. Its other queues count only the one that each of them serves. */
export async function readersOf(link: Link, { readers }: GroupNames): Promise<number> {
  return onChannel(link, async (channel) => (await channel.checkQueue(readers)).consumerCount)
}

/** Deletes a group; its exchange last, since a group is there as long as that is. */
export async function deleteGroup(link: Link, { exchange, queues, readers }: GroupNames): Promise<void> {
  await onChannel(link, async (channel) => {
    for (const queue of [...queues, readers]) await channel.deleteQueue(queue)
    await channel.deleteExchange(exchange)
  })
}
