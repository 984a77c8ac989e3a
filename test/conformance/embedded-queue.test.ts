import { after } from 'node:test'
import embedded from '../../src/queues/embedded/index.ts'
import { temporaryFolder } from '../support/temp.ts'
import { queueConformance } from './queue.ts'

const folder = await temporaryFolder()
after(() => folder[Symbol.asyncDispose]())

const quiet = () => {}
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet }

queueConformance('embedded', {
  open(topic) {
    const context = { logger, topic, signal: new AbortController().signal, dataDir: folder.path }
    return embedded.open(embedded.config.parse({ maxMessageBytes: '1MiB' }), context)
  },
})
