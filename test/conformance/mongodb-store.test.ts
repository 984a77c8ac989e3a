import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Context } from '../../src/adapter.ts'
import mongodb from '../../src/stores/mongodb/index.ts'
import { silent } from '../support/queue-context.ts'
import { freePorts } from '../support/servers/process.ts'
import { mongodbServer } from '../support/servers/mongodb.ts'
import { adapterConformance } from './adapter.ts'
import { registryConformance } from './registry.ts'
import { storeConformance } from './store.ts'

const server = await mongodbServer()

if (server.skip !== false) test('mongodb store', { skip: server.skip }, () => {})
else {
  const { url, database } = server
  after(() => server[Symbol.asyncDispose]())
  const context: Context = { logger: silent, signal: new AbortController().signal, dataDir: '.' }
  const provisioned = new Map<string, Promise<void>>()

  async function configOf(name: string) {
    const config = mongodb.config.parse({ url, database, prefix: `${name}.` })
    const making = provisioned.get(name) ?? mongodb.provision?.(config, context) ?? Promise.resolve()
    provisioned.set(name, making)
    await making
    return config
  }

  storeConformance('mongodb', { open: async (name) => mongodb.open(await configOf(name), context) })
  registryConformance('mongodb', {
    open: async (name) => mongodb.openRegistry(await configOf(name), context),
  })

  const src = join(import.meta.dirname, '../../src')
  adapterConformance('mongodb store', {
    list: join(src, 'stores/index.ts'),
    file: join(src, 'stores/mongodb/index.ts'),
    clients: ['mongodb'],
    examples: [
      { url: 'mongodb://user:password@a:27017,b:27017,c:27017/?replicaSet=rs0' },
      {
        url: 'mongodb+srv://cluster0.example.net',
        username: 'headwater',
        password: 'p@ss/word',
        database: 'headwater',
        prefix: 'eu.',
        timeoutMs: '10s',
        maxConnections: 20,
      },
      {
        url: 'mongodb://db1.internal:27017,db2.internal:27017/?replicaSet=rs0',
        authMechanism: 'MONGODB-X509',
        tls: {
          ca: '/etc/headwater/ca.pem',
          cert: '/etc/headwater/client.pem',
          key: '/etc/headwater/client.key',
        },
      },
    ],
    async openUnusable() {
      const [port] = await freePorts(1)
      const place = `127.0.0.1:${port}`
      const config = mongodb.config.parse({ url: `mongodb://${place}`, timeoutMs: '2s' })
      return { place, opened: mongodb.open(config, context) }
    },
    provision: async () =>
      mongodb.provision?.(mongodb.config.parse({ url, database, prefix: 'again.' }), context),
    patienceMs: 10_000,
  })
}
