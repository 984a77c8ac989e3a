// Reads a queue of any kind as one group in a process of its own, to be killed, and prints the number of each message before it
// is acknowledged, since an end may come right behind that: node queue-reader.ts MODULE TOPIC GROUP DATA_DIR SETTINGS_JSON
import { pathToFileURL } from 'node:url'
import type { QueueAdapter } from '../../src/queues/queue.ts'
import { queueContext } from './queue-context.ts'

const [module = '', topic = '', group = '', dataDir = '', settings = '{}'] = process.argv.slice(2)
const { default: adapter } = (await import(pathToFileURL(module).href)) as { default: QueueAdapter<unknown> }
const queue = await adapter.open(adapter.config.parse(JSON.parse(settings)), queueContext(dataDir, topic))
process.stdout.write('reading\n')
for await (const batch of queue.read({ group, signal: new AbortController().signal, maxItems: 20 })) {
  process.stdout.write(batch.items.map(({ body }) => `${body.toString()}\n`).join(''))
  await batch.ack()
}
