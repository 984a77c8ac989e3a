import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the service says in place of the emulator. */
export interface Fault {
  readonly type: string
  readonly message: string
  readonly status?: number
}

export interface Asked {
  /** Such as `PutRecords`. */
  readonly operation: string
  readonly body: { readonly [name: string]: unknown }
}

export interface PutRecord {
  readonly PartitionKey: string
  readonly Data: string
}

export interface FrontOptions {
  /** Answers in place of the emulator, where it gives something. */
  readonly fault?: (asked: Asked) => Fault | undefined
  /** Which records of a PutRecords are refused for now; the others are taken. */
  readonly refuse?: (record: PutRecord, index: number) => boolean
  /** GetRecords a second and shard, as AWS counts them. */
  readonly readsPerSecond?: number
}

export interface Front extends AsyncDisposable {
  readonly port: number
  /** The records of each PutRecords. */
  readonly puts: (readonly PutRecord[])[]
  readonly throttledReads: number
  /** How many iterators the emulator said were too old. */
  readonly expiredIterators: number
}

/**
 * Stands before an emulator of Kinesis and does what it can't: a fake of the service's refusals, by their names and in its
 * words, of partial failures wherever they are wanted, and of the limit of reads.
 */
export async function openKinesisFront(upstream: number, options: FrontOptions = {}): Promise<Front> {
  const { fault = () => undefined, refuse = () => false, readsPerSecond = Number.POSITIVE_INFINITY } = options
  const puts: (readonly PutRecord[])[] = []
  const shardOf = new Map<string, string>()
  const reads = new Map<string, number[]>()
  let throttledReads = 0
  let expiredIterators = 0

  async function forward(headers: Readonly<Record<string, string>>, body: object) {
    const url = `http://127.0.0.1:${upstream}/`
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
    const text = await response.text()
    return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Asked['body'] }
  }

  async function put(
    headers: Readonly<Record<string, string>>,
    body: Asked['body'],
  ): Promise<{ readonly status: number; readonly body: Asked['body'] }> {
    const records = body['Records'] as readonly PutRecord[]
    puts.push(records)
    const isRefused = records.map(refuse)
    const taken = records.filter((_, n) => !isRefused[n])
    const answer = taken.length > 0 ? await forward(headers, { ...body, Records: taken }) : undefined
    const results = [...((answer?.body['Records'] ?? []) as object[])]
    const refusal = {
      ErrorCode: 'ProvisionedThroughputExceededException',
      ErrorMessage: 'Rate exceeded for shard shardId-000000000000.',
    }
    return {
      status: answer?.status ?? 200,
      body: {
        FailedRecordCount: isRefused.filter((is) => is).length,
        Records: isRefused.map((is) => (is ? refusal : results.shift())),
      },
    }
  }

  function isThrottled({ operation, body }: Asked): boolean {
    if (operation !== 'GetRecords') return false
    const shard = shardOf.get(String(body['ShardIterator'])) ?? ''
    const now = performance.now()
    const recent = (reads.get(shard) ?? []).filter((at) => now - at < 1_000)
    if (recent.length >= readsPerSecond) {
      throttledReads++
      return true
    }
    reads.set(shard, [...recent, now])
    return false
  }

  const server = createServer((request, response) => {
    void (async () => {
      const body = JSON.parse(await textOf(request)) as Asked['body']
      const operation = String(request.headers['x-amz-target']).split('.')[1] ?? ''
      const headers = Object.fromEntries(
        Object.entries(request.headers).flatMap(([name, value]) =>
          typeof value === 'string' && /^(content-type|x-amz-.*|authorization)$/.test(name)
            ? [[name, value]]
            : [],
        ),
      )
      const asked = { operation, body }
      const throttled: Fault = {
        type: 'ProvisionedThroughputExceededException',
        message: 'Rate exceeded for shard.',
      }
      const said = fault(asked) ?? (isThrottled(asked) ? throttled : undefined)
      const answer = said
        ? { status: said.status ?? 400, body: { __type: said.type, message: said.message } }
        : await (operation === 'PutRecords' ? put(headers, body) : forward(headers, body))
      note(asked, answer.body)
      if (String(answer.body['__type']).endsWith('ExpiredIteratorException')) expiredIterators++
      response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.1' })
      response.end(JSON.stringify(answer.body))
    })().catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  /** Whose an iterator is, is told only when it is made. */
  function note({ operation, body }: Asked, answer: Asked['body']): void {
    const { ShardIterator: made, NextShardIterator: next } = answer
    if (operation === 'GetShardIterator' && typeof made === 'string')
      shardOf.set(made, String(body['ShardId']))
    const shard = shardOf.get(String(body['ShardIterator']))
    if (shard !== undefined && typeof next === 'string') shardOf.set(next, shard)
  }

  return {
    port: (server.address() as AddressInfo).port,
    puts,
    get throttledReads() {
      return throttledReads
    },
    get expiredIterators() {
      return expiredIterators
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      const closed = once(server, 'close')
      server.close()
      await closed
    },
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  return Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>)).toString()
}
