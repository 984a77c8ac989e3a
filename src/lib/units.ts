const DURATIONS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const BYTES = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
} as const

/** Milliseconds of `250ms`, `30s`, `5m`, `1.5h` or `7d`; undefined where it is none of these. */
export function parseDuration(text: string): number | undefined {
  return parse(text, DURATIONS)
}

/** Bytes of `512B`, `64KiB`, `10MiB` or `1GB`; undefined where it is none of these. */
export function parseBytes(text: string): number | undefined {
  return parse(text, BYTES)
}

/** The shortest spelling that `parseDuration` reads back as the same number. */
export function writeDuration(ms: number): string {
  return write(ms, DURATIONS, ['d', 'h', 'm', 's', 'ms'])
}

/** The shortest spelling that `parseBytes` reads back as the same number. */
export function writeBytes(bytes: number): string {
  return write(bytes, BYTES, ['TiB', 'GiB', 'MiB', 'KiB', 'TB', 'GB', 'MB', 'kB', 'B'])
}

/** For people: `340 ms`, `2.4 s`, `5 min 3 s`, `1 h 30 min`, `2 d 4 h`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (Math.round(ms / 100) < 600) return `${round(ms / 1_000)} s`
  const seconds = Math.round(ms / 1_000)
  if (seconds < 3_600) return pair(seconds, 60, 'min', 's')
  const minutes = Math.round(ms / 60_000)
  if (minutes < 1_440) return pair(minutes, 60, 'h', 'min')
  return pair(Math.round(ms / DURATIONS.h), 24, 'd', 'h')
}

/** For people: `512 B`, `1.5 KiB`, `10 MiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`
  const step = Math.min(4, Math.floor(Math.log2(bytes) / 10))
  return `${round(bytes / 1_024 ** step)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][step]}`
}

/** For people: `1,234,567`; with the name of one, whose plural ends in s: `1 record`, `1,234 records`. */
export function formatCount(count: number, one?: string): string {
  const number = count.toLocaleString('en-US')
  return one === undefined ? number : `${number} ${one}${count === 1 ? '' : 's'}`
}

function parse(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([a-zA-Z]+)$/.exec(text.trim())
  const factor = match?.[2] === undefined ? undefined : units[match[2]]
  if (match?.[1] === undefined || factor === undefined) return undefined
  const value = Number(match[1]) * factor
  const whole = Math.round(value)
  // 0.1 of a unit is rarely exact in binary; half a byte or half a millisecond is a mistake
  return Number.isSafeInteger(whole) && Math.abs(value - whole) < 1e-6 ? whole : undefined
}

function write<Unit extends string>(
  value: number,
  units: Readonly<Record<Unit, number>>,
  largestFirst: readonly Unit[],
): string {
  const exact = (unit: Unit): boolean => value !== 0 && value % units[unit] === 0
  const spellings = largestFirst.filter(exact).map((unit) => `${value / units[unit]}${unit}`)
  const shortest = spellings.toSorted((a, b) => a.length - b.length)[0]
  return shortest ?? `${value}${largestFirst.at(-1)}`
}

function pair(value: number, per: number, large: string, small: string): string {
  const rest = value % per
  const head = `${Math.floor(value / per)} ${large}`
  return rest === 0 ? head : `${head} ${rest} ${small}`
}

const round = (value: number): number => Math.round(value * 10) / 10
