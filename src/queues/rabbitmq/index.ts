import { HeadwaterError } from '../../errors.ts'
import type { QueueAdapter } from '../queue.ts'
import { type Config, config } from './config.ts'
import { addressOf, createConnect, createLine, type Line } from './connect.ts'
import { createNames } from './names.ts'
import { createQueue } from './queue.ts'
import { ensureGroup, ensureTopic, hasExchange } from './topology.ts'
import { translate } from './translate.ts'
import { abortable } from '../../lib/waiting.ts'

/** RabbitMQ, by AMQP 0-9-1. Any number of processes may publish to it and read from it. */
const rabbitmq: QueueAdapter<Config> = {
  config,
  async open(config, context) {
    const { topic, logger, signal } = context
    const address = addressOf(config)
    const names = createNames(config.prefix, topic, config.queues)
    const connect = await createConnect(config)
    const reading = createLine(connect, address)
    await withLine(reading, address, signal, async () => {
      const link = await reading.link()
      if (!(await hasExchange(link, names.topic))) {
        throw new HeadwaterError(
          'TOPIC_MISSING',
          `${address} has no exchange ${names.topic} for the topic ${topic}: \`headwater provision\` makes it`,
        )
      }
      await ensureGroup(link, names.group('storage'), names.topic, logger)
    })
    // A broker that is short of memory or disk reads no more from those who publish: acknowledgements must get through.
    const publishing = createLine(connect, address)
    return createQueue({ config, context, address, names, reading, publishing })
  },
  async provision(config, { topic, logger, signal }) {
    const address = addressOf(config)
    const names = createNames(config.prefix, topic, config.queues)
    await using line = createLine(await createConnect(config), address)
    await withLine(line, address, signal, async () => {
      const link = await line.link()
      await ensureTopic(link, names)
      await ensureGroup(link, names.group('storage'), names.topic, logger)
    })
  },
}

export default rabbitmq

/** Where the work fails or is aborted, the line is closed, and the broker's answer translated. */
async function withLine(
  line: Line,
  address: string,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  signal.throwIfAborted()
  try {
    await abortable(work(), signal)
  } catch (error) {
    await line[Symbol.asyncDispose]()
    throw signal.aborted ? signal.reason : translate(error, address)
  }
}
