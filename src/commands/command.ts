import type { Command } from 'commander'
import type { Environment } from '../app.ts'
import { HeadwaterError } from '../errors.ts'

/** What a command may touch of the world around it. */
export interface Io {
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborts when the person wants it to end. */
  readonly signal: AbortSignal
  /** The exit code, where it isn't 0 although nothing was thrown. */
  exitCode: number
}

/** Options that every command takes. */
export interface Globals {
  readonly config?: string
  readonly data?: string
  readonly json?: boolean
}

export const DONE = 0
export const FAILED = 1
export const WRONG_USAGE = 2
export const WRONG_CONFIG = 78
export const ABORTED = 130

/** One command, or a family of them; adds itself to the command line. */
export type AddCommand = (program: Command, io: Io) => void

/** Reads the config as the global options say, and makes the logger. */
export async function environment(
  command: Command,
  io: Io,
): Promise<Environment & { readonly json: boolean }> {
  const { config: path, data, json = false } = command.optsWithGlobals<Globals>()
  const { load } = await import('../config/load.ts')
  const { createLogger, logStyle } = await import('../telemetry/logs.ts')
  const config = await load({ path, env: io.env, args: { data } })
  const logger = createLogger({ level: config.log.level, ...logStyle(io.stderr, io.env) })
  return { config, logger, signal: io.signal, json }
}

/** Reads how many a person wants: at least one. */
export function parseCount(text: string, name: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : 0
  if (count >= 1) return count
  throw new HeadwaterError('USAGE', `${name}: expected a number such as 50, found "${text}"`)
}

/** Reads a time that a person typed: RFC 3339, a day, or how long ago such as `7d`. */
export function parseTime(text: string, name: string, now: number): number {
  const ago = /^(\d+)(m|h|d)$/.exec(text)
  if (ago) return now - Number(ago[1]) * { m: 60_000, h: 3_600_000, d: 86_400_000 }[ago[2] as 'm' | 'h' | 'd']
  const time = Date.parse(text)
  if (!Number.isNaN(time)) return time
  throw new HeadwaterError(
    'USAGE',
    `${name}: expected a time such as 2026-01-31T10:00:00Z, 2026-01-31 or 7d, found "${text}"`,
  )
}
