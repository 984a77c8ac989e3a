import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { imf } from './waits.ts'
import type { Reply } from './reply.ts'

/** Sends it as its delivery says. Resolves to whether all of it went out. */
export async function send(response: ServerResponse, reply: Reply, now: number): Promise<boolean> {
  const { status, headers, body, delivery } = reply
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const isLying = (headers['content-length'] ?? String(body.length)) !== String(body.length)
  response.writeHead(status, {
    date: imf(now),
    'content-length': String(body.length),
    ...headers,
    ...((isLying || delivery.kind !== 'whole') && { connection: 'close' }),
  })
  switch (delivery.kind) {
    case 'whole':
      return end(response, body)
    case 'reset':
      await write(response, body.subarray(0, delivery.after))
      response.socket?.resetAndDestroy()
      return false
    case 'stall':
      await write(response, body.subarray(0, delivery.after))
      await wait(delivery.ms, gone.signal)
      response.destroy()
      return false
    case 'drip': {
      const size = Math.ceil(body.length / delivery.pieces)
      for (let at = 0; at < body.length - size; at += size) {
        if (gone.signal.aborted) return false
        await write(response, body.subarray(at, at + size))
        await wait(delivery.ms / delivery.pieces, gone.signal)
      }
      return end(response, body.subarray(Math.floor((body.length - 1) / size) * size))
    }
  }
}

async function end(response: ServerResponse, rest: Buffer): Promise<boolean> {
  if (response.destroyed) return false
  response.end(rest)
  await Promise.race([once(response, 'finish'), once(response, 'close')]).catch(() => {})
  return response.writableFinished
}

/** Resolves when it is on its way, or the client is gone. */
async function write(response: ServerResponse, piece: Buffer): Promise<void> {
  if (response.destroyed) return
  await new Promise<void>((resolve) => {
    response.once('close', resolve)
    response.write(piece, () => {
      response.off('close', resolve)
      resolve()
    })
  })
}

const wait = (ms: number, signal: AbortSignal): Promise<unknown> =>
  delay(ms, undefined, { signal }).catch(() => {})
