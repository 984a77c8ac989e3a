import { isUtf8 } from 'node:buffer'
import { findAll } from '../../lib/json-scan.ts'
import type { Framing } from '../../lib/json-slices.ts'
import { inflate } from '../http/body.ts'
import type { Answer, Ask, Client } from '../http/client.ts'
import { shortened, Trouble } from '../http/trouble.ts'

export type Pointers = string | readonly string[]

/** Words that say how a job is, and where they stand. */
export interface Signs {
  readonly status?: Pointers | undefined
  readonly done: readonly (string | number)[]
  readonly empty?: readonly (string | number)[]
  readonly failed: readonly (string | number)[]
}

/** What an answer says of a job; unknown words are `other`. */
export type Word = 'done' | 'empty' | 'failed' | 'other'

/** Undefined where nothing is said. */
export function wordIn(text: string, { status, done, empty = [], failed }: Signs): Word | undefined {
  const word = status === undefined ? undefined : textAt(text, status)
  if (word === undefined) return undefined
  const isAmong = (words: Signs['done']): boolean => words.some((known) => isLike(word, String(known)))
  return isAmong(done) ? 'done' : isAmong(empty) ? 'empty' : isAmong(failed) ? 'failed' : 'other'
}

const isLike = (word: string, known: string): boolean =>
  known.endsWith('*') ? word.startsWith(known.slice(0, -1)) : word === known

/** The text in the first of these places that has one; a number, true and false are as they are written. */
export function textAt(text: string, places: Pointers): string | undefined {
  for (const place of [places].flat()) {
    for (const span of findAll(text, place)) {
      const token = text.slice(...span)
      if (/^[-\dtf]/.test(token)) return token
      if (token.startsWith('"') && token !== '""') return String(JSON.parse(token))
    }
  }
  return undefined
}

/** The list of URLs in the first of these places that has one; undefined where none has. Throws `Trouble` where it holds something else. */
export function linksAt(text: string, places: Pointers): readonly string[] | undefined {
  const found = [places]
    .flat()
    .map((place) => findAll(text, place))
    .find((spans) => spans.length > 0)
  const links = found?.flatMap((span): unknown => JSON.parse(text.slice(...span)))
  if (links === undefined || links.every((link) => typeof link === 'string')) return links
  throw new Trouble('PAGE_UNREADABLE', 'expected a list of URLs at download.links, found something else')
}

/** What a provider says, for people, without secrets. */
export function wordsOf(body: Buffer, scrub: (text: string) => string): string {
  return shortened(scrub(body.toString('utf8', 0, MAX_WORDS_BYTES)))
}

/** The body as text where it is JSON. */
export function jsonOf(body: Buffer): string | undefined {
  if (!isUtf8(body)) return undefined
  const text = body.toString()
  try {
    JSON.parse(text)
    return text
  } catch {
    return undefined
  }
}

/** The answer, or the trouble of a 202, with which a provider says "not yet". Throws `Trouble` for anything else. */
export async function answerOrNotYet(
  client: Client,
  ask: Ask,
  maxBodyBytes: number,
  signal: AbortSignal,
): Promise<Answer | Trouble> {
  try {
    return await unzipped(await client.ask(ask, signal), maxBodyBytes)
  } catch (error) {
    if (error instanceof Trouble && error.status === 202) return error
    throw error
  }
}

/** With a body that is no longer a gzip file: a result may be one without any header that says so. */
export async function unzipped(answer: Answer, maxBodyBytes: number): Promise<Answer> {
  const { body } = answer
  const isZipped = body[0] === 0x1f && body[1] === 0x8b
  return isZipped ? { ...answer, body: await inflate(body, 'gzip', maxBodyBytes) } : answer
}

const MAX_WORDS_BYTES = 1_000
const NEWLINE = 0x0a

/** Lines of JSON where the first line is a whole value and another follows, which no single document has. */
export function framingOf(body: Buffer): Framing {
  const end = body.indexOf(NEWLINE)
  if (end === -1 || body.toString('utf8', end).trim() === '') return 'json'
  return jsonOf(body.subarray(0, end)) === undefined ? 'json' : 'ndjson'
}
