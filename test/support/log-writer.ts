import embedded from '../../src/queues/embedded/index.ts'
import type { Message, Queue } from '../../src/queues/queue.ts'
import { queueContext } from './queue-context.ts'

/**
 * A process of its own on an embedded log, to be killed.
 *
 * - `write DIR FROM` publishes numbered messages for ever and prints each number once it is promised.
 * - `fill DIR FROM` does so until a publish fails twice, and prints the codes.
 * - `read DIR` reads as the group `g` and prints each number once it is acknowledged.
 * - `hold DIR` reads as the group `g`, acknowledges nothing, and prints each number.
 */
const [mode, dir = '', from = '0'] = process.argv.slice(2)

/** The message of a number: its key, length and content follow from it. Sixteen keys to a million numbers. */
export function numberedMessage(n: number): Message {
  return { key: `${Math.floor(n / 1e6)}-${n % 16}`, body: Buffer.alloc(20 + (n % 1_400), `${n};`) }
}

export function numberOf({ body }: Message): number {
  return Number.parseInt(body.toString(), 10)
}

async function openLog(): Promise<Queue> {
  return embedded.open(embedded.config.parse({}), queueContext(dir, 'numbers'))
}

async function publishFrom(queue: Queue, first: number): Promise<never> {
  for (let n = first; ; ) {
    const numbers = Array.from({ length: 1 + ((n * 7) % 50) }, (_, at) => n + at)
    await queue.publish(numbers.map(numberedMessage))
    print(numbers)
    n += numbers.length
  }
}

async function fill(queue: Queue): Promise<void> {
  for (const first of [Number(from), Number(from) + 1e6]) {
    await publishFrom(queue, first).catch((error: unknown) => {
      print([error instanceof Error && 'code' in error ? String(error.code) : String(error)])
    })
  }
  await queue[Symbol.asyncDispose]()
}

async function read(queue: Queue, acknowledges: boolean): Promise<void> {
  for await (const batch of queue.read({ group: 'g', signal: new AbortController().signal })) {
    if (acknowledges) await batch.ack()
    print(batch.items.map(numberOf))
  }
}

function print(lines: readonly (number | string)[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''))
}

if (import.meta.main) {
  const queue = await openLog()
  if (mode === 'write') await publishFrom(queue, Number(from))
  else if (mode === 'fill') await fill(queue)
  else await read(queue, mode === 'read')
}
