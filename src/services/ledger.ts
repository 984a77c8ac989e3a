import type { LedgerEntry } from '../review/record.ts'
import type { Registry } from '../stores/registry.ts'

/** What became of a publication in the store. `stored` and `rejected`: newly written; `unchanged`: the key was there. */
export type Settlement = 'stored' | 'rejected' | 'unchanged'

export interface Counts {
  readonly stored: number
  readonly rejected: number
  readonly unchanged: number
}

/**
 * Notes, durably, which numbers of which run are settled and how. A row in the registry holds the numbers of one run that
 * fall into one range and were settled by this process, as bits: noting a number twice is noting it once, so that a
 * repeated batch is not counted twice, and no other process writes the row.
 */
export interface Ledger {
  /** Resolves when all of it is durable. */
  settle(entries: readonly (readonly [LedgerEntry, Settlement])[], signal: AbortSignal): Promise<void>
}

const NUMBERS_A_ROW = 8192
const BYTES_A_ROW = NUMBERS_A_ROW / 8
/** In the order of the rows' parts; a number noted under two of them counts as the first. */
const SETTLEMENTS: readonly Settlement[] = ['stored', 'rejected', 'unchanged']

/** `owner` is the run of the process that settles. */
export function createLedger(registry: Registry, owner: string): Ledger {
  /** Bits that the next write adds, by the names of their rows. */
  let noted = new Map<string, Buffer>()
  let writing: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined

  function note(entries: readonly (readonly [LedgerEntry, Settlement])[]): void {
    let row: { readonly run: string; readonly range: number; readonly bits: Buffer } | undefined
    for (const [{ run, seq }, settlement] of entries) {
      const range = Math.floor(seq / NUMBERS_A_ROW)
      // Numbers of a run come one after the other, most often.
      if (row?.run !== run || row.range !== range) row = { run, range, bits: bitsOf(run, range) }
      const at = seq % NUMBERS_A_ROW
      const byte = SETTLEMENTS.indexOf(settlement) * BYTES_A_ROW + (at >> 3)
      row.bits[byte] = (row.bits[byte] ?? 0) | (1 << (at & 7))
    }
  }

  function bitsOf(run: string, range: number): Buffer {
    const name = rowsOf(run, range) + owner
    const bits = noted.get(name) ?? noBits()
    noted.set(name, bits)
    return bits
  }

  /** Whoever hears that it failed notes its numbers again. */
  async function write(signal: AbortSignal): Promise<void> {
    const rows = noted
    noted = new Map()
    for (const [name, bits] of rows) await add(name, bits, signal)
  }

  async function add(name: string, bits: Buffer, signal: AbortSignal): Promise<void> {
    while (true) {
      const entry = await registry.get(name, { signal })
      const sum = Buffer.from(bits)
      if (entry) merge(sum, entry.value)
      if (entry?.value.equals(sum)) return
      if (await registry.compareAndSet(name, entry?.revision ?? 0, sum, { signal })) return
    }
  }

  return {
    async settle(entries, signal) {
      if (entries.length === 0) return
      note(entries)
      // One write at a time; whoever comes while it is under way shares the next one.
      next ??= writing
        .catch(() => {})
        .then(() => {
          next = undefined
          writing = write(signal)
          return writing
        })
      await next
    },
  }
}

/** Numbers what one run publishes, from 0. */
export function numbered(run: string): () => LedgerEntry {
  let seq = 0
  return () => ({ run, seq: seq++ })
}

/** Whether one publication brought both: the same number of the same run. */
export function isSamePublication(a: LedgerEntry | undefined, b: LedgerEntry | undefined): boolean {
  return a !== undefined && a.run === b?.run && a.seq === b.seq
}

/** What became of one publication; undefined where nobody has settled it, or nobody yet. */
export async function settlementOf(
  registry: Pick<Registry, 'list'>,
  { run, seq }: LedgerEntry,
  signal: AbortSignal,
): Promise<Settlement | undefined> {
  const bits = noBits()
  const range = Math.floor(seq / NUMBERS_A_ROW)
  for await (const { value } of registry.list(rowsOf(run, range), { signal })) merge(bits, value)
  const at = seq % NUMBERS_A_ROW
  return SETTLEMENTS.find((_, part) => ((bits[part * BYTES_A_ROW + (at >> 3)] ?? 0) & (1 << (at & 7))) !== 0)
}

/** Where the rows of a run and a range are, one for each process that settled some of it. */
const rowsOf = (run: string, range: number): string => `settled/${run}/${String(range).padStart(12, '0')}/`

/** What became of everything that one run published, as far as it is settled. */
export async function countsOf(registry: Registry, run: string): Promise<Counts> {
  const counts = { stored: 0, rejected: 0, unchanged: 0 }
  let range: string | undefined
  let bits = noBits()
  const add = (): void => {
    for (let byte = 0; byte < BYTES_A_ROW; byte++) {
      let taken = 0
      SETTLEMENTS.forEach((settlement, part) => {
        const fresh = (bits[part * BYTES_A_ROW + byte] ?? 0) & ~taken
        counts[settlement] += ones(fresh)
        taken |= fresh
      })
    }
    bits = noBits()
  }
  for await (const { name, value } of registry.list(`settled/${run}/`)) {
    const current = name.slice(0, name.lastIndexOf('/'))
    if (range !== undefined && range !== current) add()
    range = current
    merge(bits, value)
  }
  add()
  return counts
}

const noBits = (): Buffer<ArrayBuffer> => Buffer.alloc(SETTLEMENTS.length * BYTES_A_ROW)

function merge(bits: Buffer, more: Buffer): void {
  for (let at = 0; at < bits.length; at++) bits[at] = (bits[at] ?? 0) | (more[at] ?? 0)
}

function ones(bits: number): number {
  let count = 0
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++
  return count
}
