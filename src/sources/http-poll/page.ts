import { hash } from 'node:crypto'
import { slices } from '../../lib/json-slices.ts'
import type { Piece, Split } from '../../review/received.ts'
import type { Answer } from './client.ts'
import { Trouble } from './trouble.ts'

/** What stands in an answer. */
export interface Page {
  readonly pieces: readonly Piece[]
  /** The same for pages with the same pieces, whatever stands around them. */
  readonly digest: string
  /** The page as JSON; undefined where there is none. */
  readonly text: string | undefined
  /** Why the source can't move on behind this page: what should be reviews is something else. */
  readonly fault: Trouble | undefined
}

/** Cuts a page into reviews. What is no JSON is one unreadable piece. */
export function readPage({ status, contentType, body }: Answer, split: Split): Page {
  if (body.length === 0) {
    const isNothing = status === 204 || status === 205
    return pageOf([], undefined, isNothing ? undefined : noJson('an empty body'))
  }
  const text = jsonOf(body)
  if (text === undefined) {
    const fault = noJson(`a body of ${contentType ?? 'no content-type'} that is none`)
    return pageOf([{ raw: body, unreadable: fault.message }], undefined, fault)
  }
  const pieces: Piece[] = []
  for (const slice of slices(body, 'json')) {
    if (slice.unreadable === undefined) for (const piece of split(slice.raw)) pieces.push(piece)
    else pieces.push({ raw: slice.raw, unreadable: slice.unreadable })
  }
  const faults = pieces.map(({ unreadable, failure }) => unreadable ?? failure)
  const [found] = faults.every((fault) => fault !== undefined) ? faults : []
  return pageOf(pieces, text, found === undefined ? undefined : noReviews(found))
}

function pageOf(pieces: readonly Piece[], text: string | undefined, fault: Trouble | undefined): Page {
  return { pieces, digest: digestOf(pieces), text, fault }
}

/** Most often a page for people that stands in for every answer: others would get it too. */
const noJson = (found: string): Trouble =>
  new Trouble('PAGE_UNREADABLE', `expected JSON, found ${found}`, { isShared: true })

const noReviews = (found: string): Trouble =>
  new Trouble('PAGE_UNREADABLE', `expected reviews, found: ${found}`)

function digestOf(pieces: readonly Piece[]): string {
  return hash('sha256', pieces.map(({ raw }) => hash('sha256', raw)).join(), 'hex')
}

/** The text of a body that is JSON in UTF-8. */
function jsonOf(body: Buffer): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body)
    JSON.parse(text)
    return text
  } catch {
    return undefined
  }
}
