import { destination, pino } from 'pino'
import type { Logger } from '../adapter.ts'
import { redact, redactText } from '../lib/redact.ts'

export interface LogOptions {
  readonly level: Level
  /** One JSON document a line; else short lines for a person. */
  readonly json: boolean
  /** Only where a terminal shows them and nobody asked for none. */
  readonly colours?: boolean
  /** Takes whole lines; standard error unless told otherwise. */
  readonly to?: { write(line: string): void }
}

type Level = 'debug' | 'info' | 'warn' | 'error'

/** A logger whose lines are written before it returns and in which no secret stands, whatever it is given. */
export function createLogger({ level, json, colours = false, to = standardError() }: LogOptions): Logger {
  const sink = json ? to : { write: (line: string) => to.write(humanLine(line, colours)) }
  const log = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters }, sink)

  function writer(at: Level) {
    return (fields: object, message: string): void => {
      if (log.isLevelEnabled(at)) log[at](redact(fields), redactText(message))
    }
  }
  return { debug: writer('debug'), info: writer('info'), warn: writer('warn'), error: writer('error') }
}

/** How logs are best written to this stream: for people on a terminal, in colours unless `NO_COLOR` is set. */
export function logStyle(stream: { isTTY?: boolean }, env: Readonly<Record<string, string | undefined>>) {
  const isTerminal = stream.isTTY === true
  return { json: !isTerminal, colours: isTerminal && !env['NO_COLOR'] }
}

const formatters = { level: (label: string) => ({ level: label }) }

/** Synchronous, so that the last line before a crash is there. */
function standardError() {
  const stream = destination({ dest: 2, sync: true })
  // Nobody is left to be told: the terminal was closed, or the disk is full. The work goes on.
  stream.on('error', () => {})
  return stream
}

const PAINT: Readonly<Record<string, string>> = { debug: '90', info: '36', warn: '33', error: '31' }

/** On a terminal a live line without an end may stand where the log line is to go. */
const OVERWRITE = '\r\u001b[K'

/** `12:30:45 warn  the queue is slow  topic=raw-reviews ms=2400` */
function humanLine(line: string, colours: boolean): string {
  const { time, level, msg, ...fields } = JSON.parse(line) as Record<string, unknown>
  const name = String(level)
  const label = colours ? `\u001b[${PAINT[name] ?? '0'}m${name.padEnd(5)}\u001b[0m` : name.padEnd(5)
  const details = Object.entries(fields).map(([key, value]) => `${key}=${detail(value)}`)
  const rest = details.length === 0 ? '' : `  ${details.join(' ')}`
  return `${OVERWRITE}${String(time).slice(11, 19)} ${label} ${printable(`${String(msg)}${rest}`)}\n`
}

function detail(value: unknown): string {
  if (typeof value === 'string') return /^[\w./:@*-]+$/.test(value) ? value : JSON.stringify(value)
  return isError(value) ? errorText(value) : JSON.stringify(value)
}

/** What was raised on purpose has a code and is said in a line; of a bug, the stack is wanted. */
function errorText(error: Readonly<Record<string, unknown>>): string {
  return 'code' in error
    ? JSON.stringify(`${String(error['code'])} ${String(error['message'])}`)
    : String(error['stack'])
}

function isError(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && 'stack' in value && 'message' in value
}

/** Without what could move a terminal's cursor, change its colours or turn the direction of its text. */
function printable(text: string): string {
  return text.replace(/[^\P{Cc}\t\n]|\p{Bidi_Control}/gu, '\ufffd')
}
