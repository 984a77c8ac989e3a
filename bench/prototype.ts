import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { parseArgs } from 'node:util'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { open } from 'lmdb'
import schema from '../schemas/review.schema.json' with { type: 'json' }

/**
 * The yardstick: what taking reviews durably costs at least in Node. It parses each, validates it by the same schema, puts
 * the whole body into LMDB, and answers once that is synced to disk. No key, no hash, no envelope, no exact bytes.
 */
const { values } = parseArgs({ options: { data: { type: 'string' } } })
const db = open<Buffer, number>({
  path: values.data ?? 'prototype',
  encoding: 'binary',
  overlappingSync: false,
  eventTurnBatching: false,
})
let next = 0

const ajv = new Ajv2020()
addFormats.default(ajv)
const isValid = ajv.compile(schema)

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function isAccepted(text: string): boolean {
  try {
    return isValid(JSON.parse(text) as object)
  } catch {
    return false
  }
}

async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await bodyOf(request)
  const lines = body.toString().split('\n').filter(Boolean)
  const accepted = lines.filter(isAccepted).length
  await db.put(next++, body)
  response.writeHead(202, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ received: lines.length, accepted, rejected: lines.length - accepted }))
}

const server = createServer((request, response) => void take(request, response))

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  process.stdout.write(`http://127.0.0.1:${port}/\n`)
})
