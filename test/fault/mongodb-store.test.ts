import { join } from 'node:path'
import { after, test } from 'node:test'
import mongodb from '../../src/stores/mongodb/index.ts'
import { silent } from '../support/queue-context.ts'
import { mongodbServer } from '../support/servers/mongodb.ts'
import { startProxy } from '../support/servers/proxy.ts'
import { storeFaults } from './store-faults.ts'

const server = await mongodbServer()

if (server.skip !== false) test('mongodb store, in trouble', { skip: server.skip }, () => {})
else {
  const { database, standIn, urlThrough } = server
  const wire = await startProxy(server)
  after(async () => {
    await wire[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })
  const context = { logger: silent, signal: new AbortController().signal, dataDir: '.' }
  const notOurs = 'the database at MONGODB_URL is not ours to end; end its primary meanwhile to see this'
  const nothing = async (): Promise<void> => {}

  storeFaults('mongodb', {
    module: join(import.meta.dirname, '../../src/stores/mongodb/index.ts'),
    async provision(name) {
      const settings = { url: urlThrough(wire), database, prefix: `${name}.`, timeoutMs: '2s' }
      await mongodb.provision?.(mongodb.config.parse(settings), context)
      return settings
    },
    wire,
    database: standIn ?? { freeze() {}, thaw() {}, kill: nothing },
    count: Number(process.env['HEADWATER_STORE_COUNT'] ?? 1_000),
    noticedMs: 3_000,
    ...(standIn === undefined && { skip: { 'outlasts a database that is frozen': notOurs } }),
  })
}
