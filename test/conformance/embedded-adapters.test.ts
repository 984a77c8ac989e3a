import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after } from 'node:test'
import type { Context } from '../../src/adapter.ts'
import queue from '../../src/queues/embedded/index.ts'
import store from '../../src/stores/embedded/index.ts'
import { queueContext, silent } from '../support/queue-context.ts'
import { temporaryFolder } from '../support/temp.ts'
import { adapterConformance } from './adapter.ts'

const src = join(import.meta.dirname, '../../src')
const folder = await temporaryFolder()
after(() => folder[Symbol.asyncDispose]())

const context: Context = {
  logger: silent,
  signal: new AbortController().signal,
  dataDir: folder.path,
}

/** A place where no folder can be: a file has its name. */
async function occupied(name: string): Promise<string> {
  const place = join(folder.path, name)
  await writeFile(place, 'not a folder')
  return place
}

const skip = { 'can be provisioned twice': 'has nothing to provision: opening makes the folder' }

adapterConformance('embedded queue', {
  list: join(src, 'queues/index.ts'),
  file: join(src, 'queues/embedded/index.ts'),
  clients: ['lmdb'],
  examples: [{}, { dir: '/var/lib/headwater/queue' }],
  async openUnusable() {
    const place = await occupied('queue-file')
    const config = queue.config.parse({ dir: place })
    return { place, opened: queue.open(config, queueContext(folder.path, 'raw-reviews')) }
  },
  skip,
})

adapterConformance('embedded store', {
  list: join(src, 'stores/index.ts'),
  file: join(src, 'stores/embedded/index.ts'),
  clients: ['lmdb'],
  examples: [{}, { dir: '/var/lib/headwater' }],
  async openUnusable() {
    const place = await occupied('store-file')
    return { place, opened: store.open(store.config.parse({ dir: place }), context) }
  },
  skip,
})
