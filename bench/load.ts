import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { linesFrom, reviewAt } from './reviews.ts'

/** What `bench/sender.ts` asks this program for, which runs as a process of its own. */
export interface Load {
  readonly url: string
  readonly count: number
  /** Reviews a request: one is sent as JSON, several as NDJSON. */
  readonly batch: number
  readonly connections: number
  /** The number of the first review, so that none is sent twice. */
  readonly first: number
}

/** What it says at the end. */
export interface Sent {
  /** Half of the requests, and 99 of a hundred, were answered within so many milliseconds. */
  readonly p50Ms: number
  readonly p99Ms: number
}

const load = JSON.parse(process.argv[2] ?? '{}') as Load
const { hostname, port, pathname } = new URL(load.url)
const requests = Array.from({ length: load.count / load.batch }, (_, n) =>
  requestAt(load.first + n * load.batch),
)
const waits: number[] = []
let next = 0

process.send?.('ready')
await once(process, 'message')
await Promise.all(Array.from({ length: load.connections }, sendInTurn))
process.send?.({ p50Ms: within(0.5), p99Ms: within(0.99) } satisfies Sent)
process.disconnect()

/** Plain HTTP/1.1, made beforehand, so that sending takes little from the machine that receives. */
function requestAt(first: number): Buffer {
  const body = load.batch === 1 ? reviewAt(first) : linesFrom(first, load.batch)
  const type = load.batch === 1 ? 'application/json' : 'application/x-ndjson'
  const head = [
    `POST ${pathname} HTTP/1.1`,
    `host: ${hostname}:${port}`,
    `content-type: ${type}`,
    `content-length: ${body.length}`,
  ]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body])
}

/** One request after the other over one connection. Anything but a 202 is an error. */
async function sendInTurn(): Promise<void> {
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  await once(socket, 'connect')
  for (let request = requests[next++]; request !== undefined; request = requests[next++]) {
    const sentAt = performance.now()
    socket.write(request)
    const answer = await answerOn(socket)
    waits.push(performance.now() - sentAt)
    if (!answer.startsWith('HTTP/1.1 202')) throw new Error(`expected a 202, found:\n${answer}`)
  }
  socket.destroy()
}

function within(share: number): number {
  const sorted = waits.toSorted((a, b) => a - b)
  return sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN
}

function answerOn(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    function take(chunk: Buffer): void {
      text += chunk.toString('latin1')
      if (!isWhole(text)) return
      socket.off('data', take).off('error', reject)
      resolve(text)
    }
    socket.on('data', take).on('error', reject)
  })
}

function isWhole(answer: string): boolean {
  const head = answer.indexOf('\r\n\r\n')
  if (head === -1) return false
  const length = /content-length: (\d+)/i.exec(answer.slice(0, head))
  return length ? answer.length - head - 4 >= Number(length[1]) : answer.endsWith('0\r\n\r\n')
}
