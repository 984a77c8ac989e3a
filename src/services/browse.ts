import { setImmediate as nextTurn } from 'node:timers/promises'
import { HeadwaterError } from '../errors.ts'
import type { Scan, Store, Stored } from '../stores/store.ts'

/** Which records are wanted, and how many of them. */
export interface Browse {
  /** The access path; what no index serves is a matter of `where`. */
  readonly by: { readonly by: 'time' } | { readonly by: 'product'; readonly product: string }
  /** Received from then on, and before then, in milliseconds since 1970. */
  readonly from?: number | undefined
  readonly to?: number | undefined
  readonly where: (record: Stored) => boolean
  readonly limit: number
  /** Where an earlier answer ended. Throws POSITION_UNKNOWN for anything else. */
  readonly after?: string | undefined
  readonly signal: AbortSignal
}

export interface Browsed<Told> {
  /** Newest first. */
  readonly records: readonly Told[]
  /** Where to go on; absent where everything was looked at. */
  readonly after?: string
  /** How many records were looked at for it. */
  readonly looked: number
  /** Whether there can be no more that are wanted. */
  readonly isComplete: boolean
}

export interface BrowseOptions<Told> {
  /** What is kept of a record: it may be large. */
  readonly tell: (record: Stored) => Told
  /** Milliseconds since 1970. */
  readonly clock: () => number
  /** Milliseconds that nobody sets, for durations. */
  readonly steady: () => number
  /** For how long one answer looks at most, once it has looked at one window. */
  readonly patienceMs?: number
}

/** One window should hold about as many records. */
const WINDOW_RECORDS = 1_000
/** Where it holds more, it is left and a smaller one is looked at, unless it is as small as can be. */
const WINDOW_LIMIT = 2 * WINDOW_RECORDS
/** One that holds as many is a good measure for others. */
const ENOUGH = WINDOW_RECORDS / 10
const SMALLEST_MS = 1
const FIRST_MS = 60_000
const GROWTH = 8
const SHARE = 4
/** What is older than so much is looked at in one window without a beginning. */
const LONG_MS = 3 * 365 * 86_400_000

/** A place in the order of received time and key: what is before it was told. */
interface Position {
  readonly time: number
  readonly key: string
  /** How wide the next window is. */
  readonly width: number
}

/**
 * Lists newest first over scans that only go forward: in windows backwards from now, each as wide as those before it
 * suggest, until enough is found or the patience is at its end. In memory it holds a page of the scan, and about what it tells.
 */
export function createBrowser<Told>(store: Pick<Store, 'scan'>, options: BrowseOptions<Told>) {
  const { tell, clock, steady, patienceMs = 50 } = options
  /** The newest record that was seen, and how wide a window held many: where most questions find an answer. */
  let newest = -Infinity
  let usualWidth = FIRST_MS

  /** Looks at one window. Where it is crowded, nothing is taken of it, unless it is as small as can be. */
  async function look(scan: Scan, isSmallest: boolean, found: Newest<Told>) {
    const taken = isSmallest ? found : keepNewest(found.count, tell)
    let inside = 0
    const where = (record: Stored): boolean => {
      inside++
      if (record.received.receivedAt > newest) newest = record.received.receivedAt
      return scan.where?.(record) ?? true
    }
    for await (const { records } of store.scan({ ...scan, where, pageSize: WINDOW_RECORDS / 2 })) {
      if (!isSmallest && inside > WINDOW_LIMIT) return { inside, isCrowded: true }
      taken.add(records)
      await nextTurn()
    }
    if (!isSmallest) found.join(taken)
    return { inside, isCrowded: false }
  }

  return async function browse({
    by,
    from,
    to,
    where,
    limit,
    after,
    signal,
  }: Browse): Promise<Browsed<Told>> {
    const position = after === undefined ? undefined : parsePosition(after)
    const isWanted = (record: Stored): boolean =>
      (position === undefined || isBefore(record, position)) &&
      record.received.receivedAt < (to ?? Infinity) &&
      where(record)
    const found = keepNewest(limit, tell)
    let until = steady() + patienceMs
    const oldest = from ?? -Infinity
    const now = clock()
    /** What is learnt from all records says nothing of those of one product, and the other way round. */
    const isOverall = by.by === 'time'
    const latest = Math.min(to ?? Infinity, position === undefined ? Infinity : position.time + SMALLEST_MS)
    let looked = 0
    let end = latest > now && position === undefined ? Infinity : latest
    const quietMs = Math.min(end, now) - newest
    /** Whether the first window is all the time since the newest record. */
    let isJump = position === undefined && quietMs > usualWidth && quietMs < Infinity
    // A list that no filter makes shorter is found in a small part of a usual window.
    const firstWidth = Math.max(SMALLEST_MS, Math.floor(usualWidth / SHARE))
    let width = position?.width ?? (isJump ? quietMs : firstWidth)
    /** Where a crowded window begins: the next ones are smaller than what is left of it. */
    let crowdedFrom = -Infinity
    /** Where a window without an end begins, while those are crowded: another machine's clock is ahead. */
    let future: number | undefined
    let aheadMs = FIRST_MS

    while (end > oldest) {
      signal.throwIfAborted()
      const top = end === Infinity ? now : end
      const back = width >= LONG_MS || top - width <= oldest ? oldest : top - width
      const start = Math.max(oldest, future ?? back)
      const window = { ...(start > -Infinity && { from: start }), ...(end < Infinity && { to: end }) }
      const isSmallest = end - start <= SMALLEST_MS
      const scan = { ...by, ...window, where: isWanted, signal }
      const { inside, isCrowded } = await look(scan, isSmallest, found)
      looked += inside
      const wasJump = isJump
      isJump = false
      // Much has come since: that a jump went too far is no reason to find nothing.
      if (isCrowded && wasJump) until = steady() + patienceMs
      if (isCrowded && end === Infinity) {
        future = future === undefined ? now : future + (aheadMs *= GROWTH)
        continue
      }
      if (isCrowded) {
        crowdedFrom = start
        width = Math.max(SMALLEST_MS, Math.floor(Math.min(width, LONG_MS, end - start) / SHARE))
        continue
      }
      end = start
      if (isOverall && !wasJump && inside >= ENOUGH && width < LONG_MS)
        usualWidth = Math.ceil((width * WINDOW_RECORDS) / inside)
      const wanted = isOverall ? WINDOW_RECORDS : Math.min(WINDOW_RECORDS, 2 * found.missing())
      const wider = Math.max(1, Math.min(GROWTH, wanted / Math.max(1, inside)))
      width = wasJump || future !== undefined ? firstWidth : within(width * wider, end - crowdedFrom)
      future = undefined
      if (found.isFull() || steady() >= until) break
    }
    const records = found.all().map(({ told }) => told)
    const last = found.all().at(-1)
    const isComplete = end <= oldest && !found.hasDropped()
    if (isComplete) return { records, looked, isComplete }
    const next =
      found.isFull() && last
        ? { time: last.time, key: last.key, width: Math.min(width, firstWidth) }
        : { time: end - SMALLEST_MS, key: BEHIND_ALL_KEYS, width: Math.min(width, LONG_MS) }
    return { records, looked, isComplete, after: writePosition(next) }
  }
}

/** Smaller than what is left of a window that held too much. */
function within(width: number, left: number): number {
  return Math.max(SMALLEST_MS, Math.floor(left < LONG_MS ? Math.min(width, left / SHARE) : width))
}

export type Browser<Told> = ReturnType<typeof createBrowser<Told>>

/** Sorts behind every key, as the first of its millisecond. */
const BEHIND_ALL_KEYS = 'g'

const writePosition = ({ time, key, width }: Position): string => `${time}-${key}-${width}`

function parsePosition(text: string): Position {
  const [, time, key, width] = /^(-?\d{1,16}(?:\.\d{1,9})?)-([0-9a-f]{32}|g)-(\d{1,12})$/.exec(text) ?? []
  if (time !== undefined && key !== undefined)
    return { time: Number(time), key, width: Math.max(SMALLEST_MS, Number(width)) }
  throw new HeadwaterError(
    'POSITION_UNKNOWN',
    `a list gave out no position "${text.slice(0, 60)}"; begin it again without one`,
  )
}

const isBefore = ({ key, received: { receivedAt } }: Stored, { time, key: at }: Position): boolean =>
  receivedAt < time || (receivedAt === time && key < at)

/** What is told of a record, and its place in the order. */
interface Entry<Told> {
  readonly time: number
  readonly key: string
  readonly told: Told
}

interface Newest<Told> {
  readonly count: number
  add(records: readonly Stored[]): void
  /** Takes what another one keeps. */
  join(other: Newest<Told>): void
  isFull(): boolean
  missing(): number
  hasDropped(): boolean
  all(): readonly Entry<Told>[]
}

/** Keeps the newest so many of all that it is given. */
function keepNewest<Told>(count: number, tell: (record: Stored) => Told): Newest<Told> {
  let kept: readonly Entry<Told>[] = []
  let dropped = false

  function keep(entries: readonly Entry<Told>[]): void {
    const all = [...kept, ...entries].toSorted(newerFirst)
    dropped ||= all.length > count
    kept = all.slice(0, count)
  }

  return {
    count,
    add(records) {
      const newest = records
        .map((record) => ({ time: record.received.receivedAt, key: record.key, record }))
        .toSorted(newerFirst)
        .slice(0, count)
      dropped ||= newest.length < records.length
      keep(newest.map(({ time, key, record }) => ({ time, key, told: tell(record) })))
    },
    join(other) {
      dropped ||= other.hasDropped()
      keep(other.all())
    },
    isFull: () => kept.length >= count,
    missing: () => count - kept.length,
    hasDropped: () => dropped,
    all: () => kept,
  }
}

function newerFirst(a: Omit<Entry<unknown>, 'told'>, b: Omit<Entry<unknown>, 'told'>): number {
  return b.time - a.time || (a.key < b.key ? 1 : -1)
}
