import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { BSON, type Document } from 'mongodb'

/** What a command is answered with; `cut` resets the connection in place of an answer. */
export type Answer = Document | 'cut'

export interface ScriptedMongodb extends AsyncDisposable {
  readonly url: string
  readonly address: string
  /** Every command but those that connections are held with. */
  readonly asked: Document[]
}

const HEADER_BYTES = 16
const OP_REPLY = 1
const OP_QUERY = 2004
const OP_MSG = 2013
const HOUSEKEEPING = ['hello', 'isMaster', 'ismaster', 'ping', 'endSessions']

/** Speaks MongoDB's protocol as the primary of a replica set, and answers what the test tells it to. It keeps nothing. */
export async function scriptedMongodb(
  answer: (command: Document) => Answer | Promise<Answer>,
): Promise<ScriptedMongodb> {
  const asked: Document[] = []
  const sockets = new Set<Socket>()
  let address = ''

  function answerTo(command: Document): Answer | Promise<Answer> {
    const [name = ''] = Object.keys(command)
    if (HOUSEKEEPING.includes(name)) return { ok: 1, ...primary(address) }
    asked.push(command)
    return answer(command)
  }

  async function reply(socket: Socket, message: Buffer): Promise<void> {
    const answered = await answerTo(commandIn(message))
    if (answered === 'cut') socket.resetAndDestroy()
    else socket.write(encode(message, answered))
  }

  const listener = createServer((socket) => {
    sockets.add(socket)
    let waiting = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk) => {
      waiting = Buffer.concat([waiting, chunk])
      while (waiting.length >= HEADER_BYTES && waiting.length >= waiting.readInt32LE(0)) {
        const message = waiting.subarray(0, waiting.readInt32LE(0))
        waiting = waiting.subarray(message.length)
        void reply(socket, message)
      }
    })
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  address = `127.0.0.1:${(listener.address() as AddressInfo).port}`
  return {
    url: `mongodb://${address}/?replicaSet=script`,
    address,
    asked,
    async [Symbol.asyncDispose]() {
      const closed = once(listener, 'close')
      listener.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

const primary = (address: string): Document => ({
  isWritablePrimary: true,
  ismaster: true,
  helloOk: true,
  setName: 'script',
  setVersion: 1,
  hosts: [address],
  primary: address,
  me: address,
  maxBsonObjectSize: 16 * 2 ** 20,
  maxMessageSizeBytes: 48_000_000,
  maxWriteBatchSize: 100_000,
  minWireVersion: 0,
  maxWireVersion: 21,
  logicalSessionTimeoutMinutes: 30,
})

/** The command, with the documents that were sent beside it. */
function commandIn(message: Buffer): Document {
  if (message.readInt32LE(12) === OP_QUERY)
    return BSON.deserialize(message.subarray(message.indexOf(0, 20) + 9))
  const command: Document = {}
  for (let at = HEADER_BYTES + 4; at < message.length; ) {
    const kind = message[at++]
    const size = message.readInt32LE(at)
    if (kind === 0) Object.assign(command, BSON.deserialize(message.subarray(at, at + size)))
    else Object.assign(command, documentsIn(message.subarray(at + 4, at + size)))
    at += size
  }
  return command
}

function documentsIn(section: Buffer): Document {
  const end = section.indexOf(0)
  const documents: Document[] = []
  for (let at = end + 1; at < section.length; at += section.readInt32LE(at)) {
    documents.push(
      BSON.deserialize(section.subarray(at, at + section.readInt32LE(at)), { promoteBuffers: true }),
    )
  }
  return { [section.toString('utf8', 0, end)]: documents }
}

function encode(message: Buffer, reply: Document): Buffer {
  const isQuery = message.readInt32LE(12) === OP_QUERY
  const body = Buffer.from(BSON.serialize(reply))
  const between = Buffer.alloc(isQuery ? 20 : 5)
  if (isQuery) between.writeInt32LE(1, 16) // one document
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeInt32LE(HEADER_BYTES + between.length + body.length, 0)
  header.writeInt32LE(message.readInt32LE(4), 8)
  header.writeInt32LE(isQuery ? OP_REPLY : OP_MSG, 12)
  return Buffer.concat([header, between, body])
}
