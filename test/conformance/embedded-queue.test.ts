import { after } from 'node:test'
import embedded from '../../src/queues/embedded/index.ts'
import { queueContext } from '../support/queue-context.ts'
import { temporaryFolder } from '../support/temp.ts'
import { queueConformance } from './queue.ts'

const folder = await temporaryFolder()
after(() => folder[Symbol.asyncDispose]())

queueConformance('embedded', {
  open: (topic) =>
    embedded.open(embedded.config.parse({ maxMessageBytes: '1MiB' }), queueContext(folder.path, topic)),
})
