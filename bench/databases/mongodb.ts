import { type Document, MongoBulkWriteError, MongoClient } from 'mongodb'
import type { Arrival } from '../../src/review/record.ts'
import mongodb from '../../src/stores/mongodb/index.ts'
import { packRaw } from '../../src/stores/mongodb/raw.ts'
import { encodeRow } from '../../src/stores/mongodb/row.ts'
import { silent } from '../../test/support/queue-context.ts'
import { mongodbServer } from '../../test/support/servers/mongodb.ts'
import { type Bare, BATCH, type StartDatabase } from './database.ts'

const DUPLICATE_KEY = 11_000

/** A stand-in unless `MONGODB_URL` names a database, so that only what the client does is measured well. */
export const startMongodb: StartDatabase = async () => {
  const server = await mongodbServer()
  if (server.skip !== false) return server.skip
  const { url, database } = server
  const context = { dataDir: '.', logger: silent, signal: new AbortController().signal }
  const provisioned = async (name: string) => {
    const config = mongodb.config.parse({ url, database, prefix: `${name}.` })
    await mongodb.provision?.(config, context)
    return config
  }
  return {
    most: 20_000,
    open: async (name) => mongodb.open(await provisioned(name), context),
    async bare(name) {
      const { prefix } = await provisioned(name)
      return openBare(url, database, `${prefix}reviews`)
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

async function openBare(url: string, database: string, collection: string): Promise<Bare> {
  const client = await MongoClient.connect(url, {
    ignoreUndefined: true,
    promoteBuffers: true,
    readConcern: { level: 'majority' },
    writeConcern: { w: 'majority', journal: true },
  })
  const reviews = client.db(database).collection<Document>(collection)
  return {
    async prepare(arrivals) {
      const documents = await Promise.all(arrivals.map(documentOf))
      return async () => {
        await reviews.insertMany(documents, { ordered: false }).catch(unlessAllThere)
      }
    },
    async *scan() {
      const how = { hint: 'by_time', sort: { receivedAt: 1, _id: 1 }, batchSize: BATCH } as const
      let page: Document[] = []
      for await (const document of reviews.find({}, how)) {
        page.push(document)
        if (page.length < BATCH) continue
        yield page
        page = []
      }
      yield page
    },
    [Symbol.asyncDispose]: () => client.close(),
  }
}

async function documentOf(arrival: Arrival): Promise<Document> {
  const row = await encodeRow(arrival, await packRaw(arrival.received.raw), 0)
  if (row === undefined) throw new Error(`${arrival.key} is too large`)
  return row
}

function unlessAllThere(error: unknown): void {
  const troubles = error instanceof MongoBulkWriteError ? [error.writeErrors].flat() : []
  const isFine = troubles.length > 0 && troubles.every(({ code }) => code === DUPLICATE_KEY)
  if (!isFine) throw error
}
