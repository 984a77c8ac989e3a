import { formatCount } from '../lib/units.ts'
import type { Io } from './command.ts'

/** Text without what could move a terminal's cursor or change its colours: what we print comes from strangers. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, ' ')
}

/** The same lines of text or JSON, in which what could steer a terminal is escaped as JSON does it. */
export function steady(text: string): string {
  return text.replace(/[^\P{Cc}\n]|\p{Bidi_Control}/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** At most so many characters of one line. */
export function excerpt(text: string, length: number): string {
  // No more than needed is looked at, and no character is cut in half.
  const line = printable(text.slice(0, 4 * length))
    .replaceAll(/\s+/g, ' ')
    .trim()
  const characters = Array.from(line)
  const isWhole = characters.length <= length && text.length <= 4 * length
  return isWhole ? line : `${characters.slice(0, length - 1).join('')}…`
}

/** Resolves when it is written; rejects where it can't be, because the reader is gone or the disk is full. */
export async function write({ stdout }: Pick<Io, 'stdout'>, text: string | Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stdout.write(text, (error) => {
      if (!error) return resolve()
      const isGone = 'code' in error && error.code === 'EPIPE'
      reject(isGone ? new ReaderGone('nobody reads the output any more', { cause: error }) : error)
    })
  })
}

/** Whoever read our output has seen enough, as `head` has. */
export class ReaderGone extends Error {}

/** One JSON document on a line of its own, or on several where it is indented. */
export async function writeJson(io: Io, value: unknown, indent = 0): Promise<void> {
  await write(io, `${steady(JSON.stringify(value, undefined, indent))}\n`)
}

/** A JSON document as one line: a line break in it can only be white space. */
export function lineOf(document: Buffer): Buffer {
  const line = Buffer.concat([document, NEWLINE])
  const end = line.length - 1
  for (let at = 0; at < end; at++) if (line[at] === 0x0a || line[at] === 0x0d) line[at] = 0x20
  return line
}

/** A JSON document as one line for this output: on a terminal it is steady, too. */
export function lineFor(document: Buffer, { stdout }: Pick<Io, 'stdout'>): Buffer {
  return lineOf(stdout.isTTY ? Buffer.from(steady(document.toString())) : document)
}

const NEWLINE = Buffer.from('\n')

/** Why some letters did not pass, a line each, with how many they were. */
export const reasonLines = (
  reasons: readonly { readonly code: string; readonly message: string; readonly count: number }[],
): readonly string[] =>
  reasons.map(({ code, message, count }) => `  ${formatCount(count)}  ${code}: ${excerpt(message, 100)}`)

/** Rows as columns for a person, each as wide as its widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) row.forEach((cell, n) => (widths[n] = Math.max(widths[n] ?? 0, cell.length)))
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, n) => cell.padEnd(widths[n] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}
