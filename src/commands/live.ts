import { formatBytes, formatCount, formatDuration } from '../lib/units.ts'
import type { Status } from '../pipeline.ts'
import type { Io } from './command.ts'

/** Tells a person how it goes: one live line on a terminal, plain lines elsewhere. */
export interface Live {
  update(status: Status): void
  /** Takes the live line away for good: later updates are not shown. */
  end(): void
}

const PLAIN_EVERY_MS = 5_000
/** Where a terminal does not tell how wide it is. */
const COLUMNS = 80

export function createLive({ stdout }: Pick<Io, 'stdout'>, clock: () => number): Live {
  return stdout.isTTY ? liveLine(stdout, clock) : plainLines(stdout, clock)
}

function liveLine(stdout: NodeJS.WriteStream, clock: () => number): Live {
  const startedAt = clock()
  let hasEnded = false
  return {
    update(status) {
      if (hasEnded) return
      const width = (stdout.columns || COLUMNS) - 1
      stdout.write(`\r${lineOf(status, clock() - startedAt).slice(0, width)}\u001b[K`)
    },
    end() {
      hasEnded = true
      stdout.write('\r\u001b[K')
    },
  }
}

function plainLines(stdout: NodeJS.WriteStream, clock: () => number): Live {
  const startedAt = clock()
  let toldAt = Number.NEGATIVE_INFINITY
  let told = ''
  let hasEnded = false
  return {
    update(status) {
      const line = lineOf(status, clock() - startedAt)
      if (hasEnded || line === told || status.received === 0 || clock() - toldAt < PLAIN_EVERY_MS) return
      told = line
      toldAt = clock()
      stdout.write(`${line}\n`)
    },
    end() {
      hasEnded = true
    },
  }
}

function lineOf(status: Status, elapsedMs: number): string {
  const { received, stored, rejected, unchanged, repeated, backlog, freshnessMs } = status
  const parts = [
    ...progressOf(status, elapsedMs),
    `received ${formatCount(received)}`,
    `stored ${formatCount(stored)}`,
    `dead letters ${formatCount(rejected)}`,
    `unchanged ${formatCount(unchanged + repeated)}`,
    ...(backlog === undefined ? [] : [`backlog ${formatCount(backlog)}`]),
    ...(freshnessMs === undefined ? [] : [`fresh ${formatDuration(freshnessMs)}`]),
  ]
  return parts.join(' · ')
}

/** How far the sources that end have come, how fast, and how long it will take, where their end is known. */
function progressOf({ progress, received }: Status, elapsedMs: number): string[] {
  const done = progress.reduce((sum, each) => sum + each.done, 0)
  const total = progress.reduce((sum, each) => sum + (each.total ?? Number.NaN), 0)
  const isInBytes = progress.every(({ unit }) => unit === 'bytes')
  const rate = `${formatCount(Math.round((received * 1000) / Math.max(1, elapsedMs)))}/s`
  if (Number.isNaN(total)) return isInBytes ? [`${formatBytes(done)} read`, rate] : [rate]
  if (total === 0) return []
  const share = Math.min(1, done / total)
  const leftMs = share > 0 && elapsedMs > 1000 ? (elapsedMs * (1 - share)) / share : undefined
  const left = leftMs === undefined ? [] : [`${formatDuration(Math.round(leftMs / 1000) * 1000)} left`]
  return [`${Math.floor(share * 100)} %${isInBytes ? ` of ${formatBytes(total)}` : ''}`, rate, ...left]
}
