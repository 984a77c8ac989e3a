// Writes to a registry of any kind in a process of its own, when it is told to: node registry-writer.ts MODULE SETTINGS_JSON.
import { on } from 'node:events'
import { retry } from '../../src/lib/retry.ts'
import { openRegistry } from './open-registry.ts'

export type Order =
  /** 17 writers race from a revision to one entry, each with a value of its own. */
  | { readonly race: string; readonly from: number }
  /** The entry is counted up so many times. */
  | { readonly count: string; readonly times: number }

export interface Answer {
  /** The values of those that were told that they had set theirs. */
  readonly won: readonly string[]
  /** The values of which somebody was told that nobody knows, and who then tried again. */
  readonly unknown: readonly string[]
}

const [module = '', settings = '{}'] = process.argv.slice(2)
await using registry = await openRegistry(module, JSON.parse(settings) as object)
const { signal } = new AbortController()
const policy = { baseMs: 10, maxMs: 500 }

/** Sets the entry to the value, and notes what came of it. */
async function set(
  name: string,
  from: number,
  value: string,
  { won, unknown }: Record<keyof Answer, string[]>,
): Promise<boolean> {
  const onFailure = (): void => void unknown.push(value)
  const work = (): Promise<boolean> => registry.compareAndSet(name, from, Buffer.from(value))
  const isSet = await retry(work, signal, { ...policy, onFailure })
  if (isSet) won.push(value)
  return isSet
}

async function obey(order: Order): Promise<Answer> {
  const answer = { won: [] as string[], unknown: [] as string[] }
  if ('race' in order) {
    const { race, from } = order
    const writers = Array.from({ length: 17 }, (_, n) =>
      set(race, from, `${process.pid} ${from} ${n}`, answer),
    )
    await Promise.all(writers)
  } else {
    for (let done = 0; done < order.times; ) {
      const entry = await retry(() => registry.get(order.count), signal, policy)
      const next = Number(entry?.value.toString() ?? 0) + 1
      if (await set(order.count, entry?.revision ?? 0, String(next), answer)) done++
    }
  }
  return answer
}

process.send?.('ready')
for await (const [order] of on(process, 'message') as AsyncIterable<[Order]>)
  process.send?.(await obey(order))
