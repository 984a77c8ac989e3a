import { setTimeout as sleep } from 'node:timers/promises'
import type { Batch } from '../../batch.ts'
import type { Message, ReadOptions } from '../queue.ts'
import { fromDelivery } from './message.ts'
import type { Taken, Tap } from './tap.ts'
import { type Bell, createBell } from './wait.ts'

export interface ReaderOptions {
  /** Opens the tap of one queue; each is opened again and again for as long as anybody reads. */
  readonly taps: readonly ((wake: () => void) => Promise<Tap>)[]
  /** Whether messages are done with as soon as they are handed over: nobody else waits for them. */
  readonly forgets: boolean
  /** How many readers there are, this one among them. */
  readonly countReaders: () => Promise<number>
  /** Told of each failure to read, and of each queue that is read again. */
  readonly onTrouble: (error: unknown) => void
  readonly onOpen: () => void
  /** Told once that nobody reads any more and nothing is held. */
  readonly onEnd: () => void
  /** Aborts when the queue is disposed. */
  readonly closing: AbortSignal
}

/** What reads all queues of a group, for all loops of this process that read as this group. */
export interface Reader {
  read(options: ReadOptions): AsyncGenerator<Batch<Message>, void, undefined>
  /** Messages that the broker gave and that are not acknowledged. */
  unacknowledged(): number
  close(): Promise<void>
}

const BALANCE_MS = 500
const CLOSE_MS = 1_000
const RETRY_MIN_MS = 50
const RETRY_MAX_MS = 5_000

export function createReader(options: ReaderOptions): Reader {
  const { forgets, countReaders, onTrouble, onOpen, onEnd, closing } = options
  const bell = createBell()
  const ended = new AbortController()
  const stopped = AbortSignal.any([ended.signal, closing])
  const taps = new Set<Tap>()
  /** Those that are given back as soon as nothing of them is held. */
  const leaving = new Set<Tap>()
  let loops = 0
  let turn = 0
  let isStarted = false

  /** Keeps one queue open until the reader ends. */
  async function keep(open: (wake: () => void) => Promise<Tap>): Promise<void> {
    for (let failures = 0; !stopped.aborted; failures++) {
      try {
        const tap = await open(bell.ring)
        failures = 0
        taps.add(tap)
        bell.ring() // it may have been given messages already
        if (stopped.aborted) await tap.close()
        else onOpen()
        const reason = await tap.closed
        taps.delete(tap)
        if (leaving.delete(tap) || stopped.aborted) continue
        onTrouble(reason)
      } catch (error) {
        if (!stopped.aborted) onTrouble(error)
      }
      const ceilingMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** failures)
      await sleep(ceilingMs * (0.5 + Math.random() / 2), undefined, { signal: stopped }).catch(() => {})
    }
  }

  /** Gives back what is more than a fair share: the broker gives each queue to the reader that has waited for it longest. */
  async function balance(): Promise<void> {
    while (!stopped.aborted) {
      await sleep(BALANCE_MS * (0.5 + Math.random()), undefined, { signal: stopped }).catch(() => {})
      const active = [...taps].filter((tap) => tap.isActive && !leaving.has(tap))
      if (active.length < 2) continue
      const readers = await countReaders().catch(() => 1) // its trouble is seen by who reads
      for (const tap of active.slice(Math.ceil(options.taps.length / Math.max(1, readers)))) {
        leaving.add(tap)
        giveBack(tap)
      }
    }
  }

  function giveBack(tap: Tap): void {
    if (leaving.has(tap) && tap.held === 0) void tap.close()
  }

  function gather(atMost: number): Taken[] {
    const takings: Taken[] = []
    const all = [...taps]
    turn++
    for (let n = 0; n < all.length && atMost > 0; n++) {
      const tap = all[(turn + n) % all.length]
      const taken = tap && !leaving.has(tap) ? tap.take(atMost) : undefined
      if (!taken) continue
      takings.push(taken)
      atMost -= taken.messages.length
    }
    return takings
  }

  async function settle(taken: Taken): Promise<void> {
    await taken.tap.settle(taken)
    giveBack(taken.tap)
    await endIfIdle()
  }

  const held = (): number => [...taps].reduce((sum, tap) => sum + tap.held, 0)

  async function endIfIdle(): Promise<void> {
    if (loops === 0 && held() === 0) await close()
  }

  /** Closes the channels: what was not taken goes back in its order, to whoever reads next. */
  async function close(): Promise<void> {
    if (!ended.signal.aborted) {
      ended.abort()
      onEnd()
    }
    const all = Promise.all([...taps].map((tap) => tap.close()))
    await Promise.race([all, sleep(CLOSE_MS, undefined, { ref: false })]) // the broker may be silent
  }

  return {
    async *read({ signal, maxItems = 500, lingerMs = 0 }) {
      const stop = AbortSignal.any([signal, stopped])
      if (stop.aborted) return
      loops++
      if (!isStarted) for (const loop of [...options.taps.map(keep), balance()]) void loop
      isStarted = true
      try {
        while (!stop.aborted) {
          const takings = gather(maxItems)
          if (takings.length === 0) {
            await bell.wait(stop)
            continue
          }
          await fill(takings, { maxItems, lingerMs, gather, bell, stop })
          if (forgets) await Promise.all(takings.map(settle))
          yield toBatch(takings, settle)
        }
      } finally {
        loops--
        await endIfIdle()
      }
    },
    unacknowledged: () => [...taps].reduce((sum, tap) => sum + tap.held + tap.waiting, 0),
    close,
  }
}

interface Filling {
  readonly maxItems: number
  readonly lingerMs: number
  readonly gather: (atMost: number) => readonly Taken[]
  readonly bell: Bell
  readonly stop: AbortSignal
}

/** Waits for more, until nothing more would come. */
async function fill(takings: Taken[], { maxItems, lingerMs, gather, bell, stop }: Filling): Promise<void> {
  const until = performance.now() + lingerMs
  for (let leftMs = lingerMs; leftMs > 0 && !stop.aborted; leftMs = until - performance.now()) {
    const room = maxItems - takings.reduce((sum, { messages }) => sum + messages.length, 0)
    if (room <= 0 || takings.some(({ tap }) => tap.isFull)) return
    await bell.wait(stop, leftMs)
    takings.push(...gather(room))
  }
}

function toBatch(takings: readonly Taken[], settle: (taken: Taken) => Promise<void>): Batch<Message> {
  let acknowledged: Promise<unknown> | undefined
  return {
    items: takings.flatMap(({ messages }) => messages.map(fromDelivery)),
    async ack() {
      acknowledged ??= Promise.all(takings.map(settle))
      await acknowledged
    },
  }
}
