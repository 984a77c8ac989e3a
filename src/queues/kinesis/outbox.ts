import { setTimeout as sleep } from 'node:timers/promises'
import type { Cancellable } from '../../batch.ts'
import { TransientError } from '../../errors.ts'
import { formatCount, formatDuration } from '../../lib/units.ts'
import type { Kinesis, Outgoing } from './client.ts'

export interface Outbox {
  /** Resolves when Kinesis has confirmed every record. Throws where one is not known to be there. */
  send(records: readonly Outgoing[], options?: Cancellable): Promise<void>
  /** The newest sequence number in each shard, of what this outbox has sent. */
  readonly newest: ReadonlyMap<string, string>
  /** Tells of every record from now on, by its shard and sequence number, until it is disposed of. */
  onConfirmed(tell: (shard: string, sequence: string) => void): Disposable
  close(): void
}

export interface OutboxOptions {
  readonly kinesis: Pick<Kinesis, 'put' | 'place'>
  readonly maxRequestBytes: number
  readonly timeoutMs: number
  readonly random?: () => number
}

/** Records of one key, of which only the first may be under way. */
interface Line {
  readonly waiting: Entry[]
  failures: number
  /** It was refused for now, and rests until then. */
  restsUntil: number
}

interface Entry {
  readonly record: Outgoing
  readonly size: number
  readonly call: Call
}

interface Call {
  readonly isOver: boolean
  /** One more of its records is there. */
  confirm(): void
  fail(error: unknown): void
  /** Why it is not over yet, for the case that it never will be. */
  trouble: string
}

const MAX_RECORDS = 500
const REST_MS = 50
const MAX_REST_MS = 2_000

/**
 * Sends one request at a time, with at most one record of a key in it. Kinesis may take a later record of a request and
 * refuse an earlier one, so that two of a key could change places; and what it refused for now is sent again before
 * anything else of its key.
 */
export function createOutbox(options: OutboxOptions): Outbox {
  const { kinesis, maxRequestBytes, timeoutMs, random = Math.random } = options
  const lines = new Map<string, Line>()
  const newest = new Map<string, string>()
  const listeners = new Set<(shard: string, sequence: string) => void>()
  const calls = new Set<Call>()
  const closing = new AbortController()
  let wake = new AbortController()
  let isRunning = false

  /** The first records of the keys that may go, those first that have waited longest. */
  function compose(now: number): readonly (readonly [key: string, line: Line, entry: Entry])[] {
    const chosen: [string, Line, Entry][] = []
    let size = 0
    for (const [key, line] of lines) {
      while (line.waiting[0]?.call.isOver) line.waiting.shift()
      const entry = line.waiting[0]
      if (entry === undefined) lines.delete(key)
      if (entry === undefined || line.restsUntil > now) continue
      size += entry.size
      if (size > maxRequestBytes && chosen.length > 0) break
      chosen.push([key, line, entry])
      if (chosen.length === MAX_RECORDS) break
    }
    return chosen
  }

  /** Until nothing waits; it is over in the same turn in which that is seen, so that what comes then begins it anew. */
  async function run(): Promise<void> {
    isRunning = true
    while (lines.size > 0 && !closing.signal.aborted) {
      const chosen = compose(performance.now())
      if (chosen.length > 0) await request(chosen)
      else if (lines.size > 0) await rest()
    }
    isRunning = false
  }

  async function request(chosen: ReturnType<typeof compose>): Promise<void> {
    const entries = chosen.map(([, , entry]) => entry)
    try {
      const records = entries.map(({ record }) => record)
      const results = await kinesis.put(records, { signal: closing.signal })
      for (const [n, [key, line, entry]] of chosen.entries()) {
        const result = results[n]
        if (!result || 'failure' in result) refused(line, entry, result?.failure ?? 'no answer')
        else confirmed(key, line, entry, result)
      }
    } catch (error) {
      for (const call of new Set(entries.map((entry) => entry.call))) call.fail(error)
    }
  }

  function confirmed(
    key: string,
    line: Line,
    { call }: Entry,
    { shard, sequence }: { readonly shard: string; readonly sequence: string },
  ): void {
    line.waiting.shift()
    line.failures = 0
    // The others first.
    lines.delete(key)
    if (line.waiting.length > 0) lines.set(key, line)
    newest.set(shard, sequence)
    for (const tell of listeners) tell(shard, sequence)
    call.confirm()
  }

  function refused(line: Line, { call }: Entry, failure: string): void {
    const ceiling = Math.min(MAX_REST_MS, REST_MS * 2 ** line.failures++)
    line.restsUntil = performance.now() + ((1 + random()) / 2) * ceiling
    call.trouble = failure
  }

  /** Until the first key may go again, or another comes. */
  async function rest(): Promise<void> {
    const until = Math.min(...[...lines.values()].map(({ restsUntil }) => restsUntil))
    wake = new AbortController()
    await sleep(Math.max(1, until - performance.now()), undefined, { signal: wake.signal }).catch(() => {})
  }

  function start(): void {
    wake.abort()
    if (!isRunning) void run()
  }

  function open(count: number, signal: AbortSignal | undefined, done: PromiseWithResolvers<void>): Call {
    let left = count
    let isOver = false
    function end(): void {
      isOver = true
      calls.delete(call)
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
    const call: Call = {
      trouble: '',
      get isOver() {
        return isOver
      },
      confirm() {
        if (isOver || --left > 0) return
        end()
        done.resolve()
      },
      fail(error) {
        if (isOver) return
        end()
        done.reject(error)
        wake.abort()
      },
    }
    const abort = (): void => call.fail(signal?.reason)
    const timer = setTimeout(() => {
      const { address, setting } = kinesis.place
      const late = `Kinesis at ${address} (${setting}) did not confirm ${formatCount(left, 'record')} within ${formatDuration(timeoutMs)}`
      const why = call.trouble && `, and said last: ${call.trouble}`
      call.fail(new TransientError('QUEUE_UNAVAILABLE', late + why))
    }, timeoutMs)
    signal?.addEventListener('abort', abort)
    calls.add(call)
    return call
  }

  return {
    newest,
    async send(records, { signal } = {}) {
      signal?.throwIfAborted()
      closing.signal.throwIfAborted()
      if (records.length === 0) return
      const done = Promise.withResolvers<void>()
      const call = open(records.length, signal, done)
      for (const record of records) {
        const { PartitionKey: key, Data } = record
        const line = lines.get(key) ?? { waiting: [], failures: 0, restsUntil: 0 }
        lines.set(key, line)
        line.waiting.push({ record, size: Data.length + Buffer.byteLength(key), call })
      }
      start()
      await done.promise
    },
    onConfirmed(tell) {
      listeners.add(tell)
      return { [Symbol.dispose]: () => void listeners.delete(tell) }
    },
    close() {
      if (closing.signal.aborted) return
      const closed = new TransientError('QUEUE_UNAVAILABLE', 'the queue was closed')
      closing.abort(closed)
      for (const call of calls) call.fail(closed)
      wake.abort()
    },
  }
}
