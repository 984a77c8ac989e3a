import { hash } from 'node:crypto'
import { holdsMoreThan } from '../../lib/json-scan.ts'
import { type Framing, slices } from '../../lib/json-slices.ts'
import type { Piece, Split } from '../../review/received.ts'
import type { Answer } from './client.ts'
import { shortened, Trouble } from './trouble.ts'

/** What stands in an answer. */
export interface Page {
  readonly pieces: readonly Piece[]
  /** The same for pages with the same pieces, whatever stands around them. */
  readonly digest: string
  /** The page as JSON; undefined where there is none, or one a line. */
  readonly text: string | undefined
  /** Why the source can't move on behind this page: what should be reviews is something else. */
  readonly fault: Trouble | undefined
}

export interface PageOptions {
  /** JSON unless told. */
  readonly framing?: Framing
  /** Whether an empty body says that there is nothing, whatever the status; NDJSON without a line is one. */
  readonly mayBeEmpty?: boolean
}

/** More than these take many times the memory of their bytes. */
const MAX_PIECES = 100_000
const MAX_VALUES = 2_000_000

/**
 * Cuts a page into reviews. What is no JSON, or far too much, is one unreadable piece. Of lines of JSON each is told by
 * itself. `scrub` hides secrets.
 */
export function readPage(
  answer: Answer,
  split: Split,
  scrub: (text: string) => string,
  { framing = 'json', mayBeEmpty = false }: PageOptions = {},
): Page {
  const { status, body } = answer
  if (body.length === 0) {
    const isNothing = mayBeEmpty || status === 204 || status === 205
    return pageOf([], undefined, isNothing ? undefined : noJson('an empty body'))
  }
  const text = textOf(body)
  if (text !== undefined && holdsMoreThan(text, MAX_VALUES))
    return unreadable(body, tooMany(MAX_VALUES, 'values'))
  const wall = text === undefined ? undefined : wallOf(text)
  if (wall !== undefined) return unreadable(body, wall)
  const isLines = framing === 'ndjson'
  if (text === undefined || !(isLines || isJson(text)))
    return unreadable(body, noJson(`a body of ${scrub(typeOf(answer))} that is none`))
  const pieces: Piece[] = []
  for (const piece of piecesOf(body, split, framing)) {
    if (pieces.length === MAX_PIECES) return unreadable(body, tooMany(MAX_PIECES, 'reviews'))
    pieces.push(piece.failure === undefined ? piece : { ...piece, failure: scrub(piece.failure) })
  }
  const faults = pieces.map(({ unreadable, failure }) => unreadable ?? failure)
  const [found] = faults.every((fault) => fault !== undefined) ? faults : []
  return pageOf(pieces, isLines ? undefined : text, found === undefined ? undefined : noReviews(found))
}

function* piecesOf(body: Buffer, split: Split, framing: Framing): Generator<Piece> {
  for (const { raw, unreadable } of slices(body, framing, MAX_PIECES + 1)) {
    if (unreadable === undefined) yield* split(raw)
    else yield { raw, unreadable }
  }
}

function pageOf(pieces: readonly Piece[], text: string | undefined, fault: Trouble | undefined): Page {
  return { pieces, digest: digestOf(pieces), text, fault }
}

const unreadable = (raw: Buffer, fault: Trouble): Page =>
  pageOf([{ raw, unreadable: fault.message }], undefined, fault)

const HTML = /^\s*<(?:!doctype html|html|head|body)\b/i
const WALLS: readonly (readonly [RegExp, string])[] = [
  [/captcha|robot check|are you a (?:human|robot)|automated access/i, 'a page for people with a CAPTCHA'],
  [
    /<form[^>]*(?:sign-?in|log-?in|auth)|type=["']?password|\b(?:sign|log) in\b/i,
    'a page for people to log in',
  ],
]

/** What keeps a provider out, where a page for people says so. */
function wallOf(text: string): Trouble | undefined {
  if (!HTML.test(text)) return undefined
  const [, found] = WALLS.find(([signs]) => signs.test(text)) ?? []
  if (found === undefined) return undefined
  const advice =
    'the provider was taken for a robot, or its session has ended: ask it, and let it rest meanwhile'
  return new Trouble('SOFT_BLOCKED', `expected reviews, found ${found}: ${advice}`, { isShared: true })
}

/** Most often a page for people that stands in for every answer: others would get it too. */
const noJson = (found: string): Trouble =>
  new Trouble('PAGE_UNREADABLE', `expected JSON, found ${found}`, { isShared: true })

const noReviews = (found: string): Trouble =>
  new Trouble('PAGE_UNREADABLE', `expected reviews, found: ${shortened(found)}`)

const tooMany = (max: number, what: string): Trouble =>
  new Trouble(
    'PAGE_UNREADABLE',
    `expected at most ${max} ${what} on a page, found more: ask for smaller pages`,
  )

const typeOf = ({ contentType }: Answer): string =>
  contentType === undefined ? 'no content-type' : shortened(contentType.split(';', 1)[0] ?? '')

function digestOf(pieces: readonly Piece[]): string {
  return hash('sha256', pieces.map(({ raw }) => hash('sha256', raw)).join(), 'hex')
}

function textOf(body: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    return undefined
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
