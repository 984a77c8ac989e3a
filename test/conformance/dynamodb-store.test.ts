import { after } from 'node:test'
import type { Context } from '../../src/adapter.ts'
import dynamodb from '../../src/stores/dynamodb/index.ts'
import { silent } from '../support/queue-context.ts'
import { dynamodbServer } from '../support/servers/dynamodb.ts'
import { registryConformance } from './registry.ts'
import { storeConformance } from './store.ts'

const server = await dynamodbServer()
if (server.skip === false) {
after(() => server[Symbol.asyncDispose]())
const context: Context = { logger: silent, signal: new AbortController().signal, dataDir: '.' }
const provisioned = new Map<string, Promise<void>>()
async function tables(name: string) {
  const config = dynamodb.config.parse({ ...server.settings, prefix: `${name}-` })
  if (!provisioned.has(name)) provisioned.set(name, Promise.resolve(dynamodb.provision?.(config, context)))
  await provisioned.get(name)
  return config
}
storeConformance('dynamodb', { open: async (name) => dynamodb.open(await tables(name), context) })
registryConformance('dynamodb', { open: async (name) => dynamodb.openRegistry(await tables(name), context) })
}
