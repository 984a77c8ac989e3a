import type { Received } from '../../review/received.ts'
import type { Sighting, Told } from '../../review/provider.ts'
import type { Answer, Ask } from '../http/client.ts'
import { type Page, readPage } from '../http/page.ts'
import type { Secrets } from '../http/secrets.ts'
import { Trouble } from '../http/trouble.ts'
import type { SourceContext } from '../source.ts'
import { isAtBeginning, type Reached } from './checkpoint.ts'
import { suspicionOf } from './suspicion.ts'
import type { Window } from './window.ts'

/** A page as the crawl looks at it. */
export interface Look {
  readonly page: Page
  readonly items: readonly Received[]
  /** What is on it, an item each. */
  readonly seen: readonly Seen[]
  /** How many reviews it shows that earlier pages of the crawl did not. */
  readonly added: number
  /** How many reviews there are, as the provider says. */
  readonly total: number | undefined
  /** Why it is no page to go on behind. */
  readonly fault: Trouble | undefined
}

export interface Seen extends Sighting {
  readonly received: Received
}

/** Where a page stands. */
export interface Where {
  readonly ask: Ask
  readonly at: Reached
  /** The reviews that earlier pages of the crawl showed. */
  readonly shown: Pick<Window, 'has'>
  readonly isFull: boolean
}

export interface LookParts {
  readonly context: SourceContext
  readonly secrets: Secrets
}

const NOTHING_TOLD: Told = { isBlocked: false }

/** A review by its token; what has none is known by what it says. */
export const nameOf = ({ review, version }: Sighting): string => review ?? version

export function lookAt(answer: Answer, where: Where, { context, secrets }: LookParts): Look {
  const { provider, split } = context
  const page = readPage(answer, split, secrets.scrub)
  const told = page.text === undefined ? NOTHING_TOLD : provider.told(page.text)
  const items = receive(page, answer, where, context)
  const seen = items.map((received) => ({ received, ...provider.identify(received) }))
  const added = new Set(seen.map(nameOf).filter((name) => !where.shown.has(name))).size
  const fault = page.fault ?? suspicion(page, seen, { ...where, added, told })
  return { page, items, seen, added, total: told.total, fault }
}

/** The body as one item, that tells how it shows that reviews are withheld. */
export function evidenceOf(
  { body, ...answer }: Answer,
  fault: Trouble,
  where: Where,
  context: SourceContext,
): readonly Received[] {
  const pieces = [{ raw: body, blocked: fault.message }]
  return receive({ pieces }, { body, ...answer }, where, context)
}

function receive(
  { pieces }: Pick<Page, 'pieces'>,
  { status }: Answer,
  { ask, at }: Where,
  { name: source, origin, clock }: SourceContext,
): Received[] {
  const receivedAt = clock()
  const about = { source, kind: 'http-poll', from: ask.from, page: at.place.page, status }
  return pieces.map(({ raw, ...told }, n) => ({
    origin,
    receivedAt,
    raw,
    context: { ...about, position: n + 1, ...told },
  }))
}

function suspicion(
  { digest }: Page,
  sightings: readonly Sighting[],
  { at, isFull, added, told }: Where & { readonly added: number; readonly told: Told },
): Trouble | undefined {
  const isFirst = isAtBeginning(at)
  const words = suspicionOf({
    coverage: isFull ? 'full' : 'top',
    isFirst,
    sightings,
    added,
    isFirstAgain: !isFirst && digest === at.first && sightings.length > 0,
    isBlocked: told.isBlocked,
    total: told.total,
    count: at.count,
    before: at.whole,
    wasValid: at.wasValid,
  })
  return words === undefined ? undefined : new Trouble('SOFT_BLOCKED', words, { isShared: told.isBlocked })
}
