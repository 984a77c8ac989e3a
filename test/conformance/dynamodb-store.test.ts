import { join } from 'node:path'
import { after, describe } from 'node:test'
import type { Context } from '../../src/adapter.ts'
import dynamodb from '../../src/stores/dynamodb/index.ts'
import { pageExamples } from '../support/page-examples.ts'
import { silent } from '../support/queue-context.ts'
import { dynamodbServer } from '../support/servers/dynamodb.ts'
import { freePorts } from '../support/servers/process.ts'
import { adapterConformance } from './adapter.ts'
import { registryConformance } from './registry.ts'
import { storeConformance } from './store.ts'

const server = await dynamodbServer()
const context: Context = { logger: silent, signal: new AbortController().signal, dataDir: '.' }
const { stores: examples } = await pageExamples('dynamodb')

describe('dynamodb', { skip: server.skip }, () => {
  if (server.skip !== false) return
  const { settings } = server
  after(() => server[Symbol.asyncDispose]())

  // More at a time, or less time for each, and single requests starve in the queue of DynamoDB Local.
  const patient = { concurrency: 16, timeoutMs: '30s' }
  const provisioned = new Map<string, Promise<void> | undefined>()
  async function tables(name: string) {
    const config = dynamodb.config.parse({ ...settings, ...patient, prefix: `${name}-` })
    if (!provisioned.has(name)) provisioned.set(name, dynamodb.provision?.(config, context))
    await provisioned.get(name)
    return config
  }

  // DynamoDB Local writes one item at a time, a thousand a second on a quiet machine and a fifth of it on a busy one.
  const patienceMs = 180_000
  storeConformance('dynamodb', {
    open: async (name) => dynamodb.open(await tables(name), context),
    patienceMs,
  })
  registryConformance('dynamodb', {
    open: async (name) => dynamodb.openRegistry(await tables(name), context),
    patienceMs,
  })

  const src = join(import.meta.dirname, '../../src/stores')
  adapterConformance('dynamodb', {
    list: join(src, 'index.ts'),
    file: join(src, 'dynamodb/index.ts'),
    clients: ['@aws-sdk/client-dynamodb'],
    examples,
    async openUnusable() {
      const [port = 0] = await freePorts(1)
      const place = `http://127.0.0.1:${port}`
      return {
        place,
        opened: dynamodb.open(dynamodb.config.parse({ ...settings, endpoint: place }), context),
      }
    },
    provision: async () => dynamodb.provision?.(await tables('test-twice'), context),
    patienceMs: 10_000,
  })
})
