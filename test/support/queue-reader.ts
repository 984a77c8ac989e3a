// Reads a queue of any kind as one group in a process of its own, to be killed. It prints which numbers it holds, and each
// once it is acknowledged: node queue-reader.ts MODULE TOPIC GROUP DATA_DIR SETTINGS_JSON
import { pathToFileURL } from 'node:url'
import type { QueueAdapter } from '../../src/queues/queue.ts'
import { queueContext } from './queue-context.ts'

const [module = '', topic = '', group = '', dataDir = '', settings = '{}'] = process.argv.slice(2)
const { default: adapter } = (await import(pathToFileURL(module).href)) as { default: QueueAdapter<unknown> }
const queue = await adapter.open(adapter.config.parse(JSON.parse(settings)), queueContext(dataDir, topic))
process.stdout.write('reading\n')
for await (const batch of queue.read({ group, signal: new AbortController().signal, maxItems: 20 })) {
  const numbers = batch.items.map(({ body }) => body.toString())
  process.stdout.write(`holding ${numbers.join(' ')}\n`)
  await batch.ack()
  process.stdout.write(numbers.map((number) => `${number}\n`).join(''))
}
