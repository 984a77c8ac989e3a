import type { Command } from 'commander'
import type { Environment } from '../app.ts'
import { HeadwaterError } from '../errors.ts'

export { parseTime } from '../lib/moments.ts'

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

/** Longer than anybody reads, and written beside each letter. */
const MAX_REASON = 1_000

/** Why a person does something: whoever comes later is told. */
export function parseReason(text: string): string {
  const reason = text.trim()
  if (reason.length >= 1 && reason.length <= MAX_REASON) return reason
  const found = reason === '' ? 'nothing' : `${reason.length} characters`
  throw new HeadwaterError('USAGE', `--reason: expected 1 to ${MAX_REASON} characters, found ${found}`)
}

/** Reads how many a person wants: at least one. */
export function parseCount(text: string, name: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : 0
  if (count >= 1) return count
  throw new HeadwaterError('USAGE', `${name}: expected a number such as 50, found "${text}"`)
}
