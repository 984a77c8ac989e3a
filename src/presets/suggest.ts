import { createGetter } from '../lib/pointer.ts'
import { interpret, type Rules } from '../review/interpret.ts'
import { isRequired, REVIEW_FIELDS, type ReviewField } from '../review/fields.ts'
import type { Context } from '../review/received.ts'
import type { ReviewRecord } from '../review/record.ts'
import { createRepair, type Repairable, type Step, tie } from '../review/repair.ts'
import type { Fault, Verdict } from '../review/verdict.ts'
import { FITTING, isAlike, isOfOthers, isPlausible, TELLING } from './alike.ts'
import { placesIn } from './item-places.ts'
import { PARSERS, type Parser } from './parsers.ts'

/** A letter that has the fault, and the rules it is judged by. */
export interface FaultyLetter {
  readonly record: Pick<ReviewRecord, 'key' | 'received' | 'verdict'>
  readonly rules: Rules
}

/** Steps that mend the fault of some letters. */
export interface Suggestion {
  /** In words, with the value of the first letter that it mends. */
  readonly title: string
  readonly steps: readonly Step[]
  /** How many letters would be accepted; how many would lose this fault and get no other one; of how many. */
  readonly passes: number
  readonly mends: number
  readonly of: number
}

/** So many ideas are tried. */
const MAX_IDEAS = 60
const MAX_SUGGESTIONS = 8

/**
 * How these letters could be mended, best first. Each idea was tried on all of them: what mends none is not suggested. The
 * field is read by the parsers that fit it, or found elsewhere in the item or its context, under a name like its own or where
 * a parser understands what stands there; an optional one can be left out. No value is invented.
 */
export function suggest(
  fault: Pick<Fault, 'pointer' | 'keyword'>,
  letters: readonly FaultyLetter[],
): readonly Suggestion[] {
  const field = fault.pointer.split('/')[1] as ReviewField
  if (!REVIEW_FIELDS.includes(field)) return []
  const tried = letters.map(prepared)
  const ideas = new Set(tried.flatMap(({ document }) => [...ideasFor(field, document)].map(asText)))
  const found = new Map<string, Suggestion>()
  for (const idea of [...ideas].slice(0, MAX_IDEAS)) {
    const { outcome, ...suggestion } = judged(JSON.parse(idea) as readonly Step[], fault, field, tried)
    // The first of several that come to the same.
    if (suggestion.mends > 0 && !found.has(outcome)) found.set(outcome, suggestion)
  }
  const loses = ({ steps }: Suggestion): number => Number(steps.some((step) => 'remove' in step))
  return [...found.values()]
    .toSorted((a, b) => loses(a) - loses(b) || b.passes - a.passes || b.mends - a.mends)
    .slice(0, MAX_SUGGESTIONS)
}

const asText = (steps: readonly Step[]): string => JSON.stringify(steps)

interface Prepared extends FaultyLetter {
  readonly document: Repairable
  /** Its faults by the rules of today. */
  readonly faults: ReadonlySet<string>
}

/** Each letter is read once, however many ideas are tried on it: reading takes nearly all of the time. */
function prepared({ record, rules: own }: FaultyLetter): Prepared {
  const { received, key, verdict } = record
  const reading = own.read(received)
  const isReadable = 'value' in reading
  const shaped = isReadable ? own.shape(reading, received, key) : undefined
  const rules: Rules = { ...own, read: () => reading, ...(shaped && { shape: () => shaped }) }
  const document = {
    review: shaped?.candidate ?? {},
    item: isReadable ? reading.value : undefined,
    context: received.context,
  }
  return { record, rules, document, faults: faultsOf(interpret(record, rules, verdict.by)) }
}

function judged(
  steps: readonly Step[],
  fault: Pick<Fault, 'pointer' | 'keyword'>,
  field: ReviewField,
  letters: readonly Prepared[],
): Suggestion & { readonly outcome: string } {
  const repair = createRepair(fault, steps)
  let [passes, mends, title] = [0, 0, '']
  let isSound = true
  const values = letters.map(({ record, rules, document, faults }) => {
    const verdict = interpret(record, rules, tie(record.verdict.by, repair))
    const left = faultsOf(verdict)
    // No other fault comes in its place.
    const isMended = faults.has(nameOf(fault)) && !left.has(nameOf(fault)) && left.isSubsetOf(faults)
    if (!isMended) return null
    const value = rules.repair(document, steps)[field]
    isSound &&= isPlausible(field, value)
    mends++
    if (verdict.status !== 'rejected') passes++
    title ||= titleOf(steps, field, document, value)
    return value ?? null
  })
  // What makes nonsense of one of them is no way to read the others.
  if (!isSound) [passes, mends] = [0, 0]
  return { title, steps, passes, mends, of: letters.length, outcome: JSON.stringify(values) }
}

const nameOf = ({ pointer, keyword }: Pick<Fault, 'pointer' | 'keyword'>): string => `${pointer} ${keyword}`

const faultsOf = (verdict: Verdict): ReadonlySet<string> =>
  new Set(verdict.status === 'rejected' ? verdict.errors.map(nameOf) : [])

/** What is worth trying on one letter. */
function* ideasFor(field: ReviewField, { review, item, context }: Repairable): Generator<readonly Step[]> {
  const parsers = FITTING[field] ?? []
  const isThere = review[field] !== undefined && review[field] !== null && review[field] !== ''
  if (isThere) for (const as of parsers) yield [{ parse: field, as }]
  const { carried } = context as Context
  const places = [...placesIn('/context/carried', carried), ...placesIn('/item', item)]
  const take = (place: string): Step =>
    place.startsWith('/context') && !isThere ? { default: field, from: place } : { copy: place, to: field }
  for (const { place, value } of places) {
    const alike = isAlike(field, place)
    if (alike && !(field.endsWith('_id') && isAddress(value))) yield [take(place)]
    for (const as of parsers) {
      const isTold = alike || (TELLING.has(as) && isWords(value) && !isOfOthers(field, place))
      if (isTold && isUnderstood(value, as)) yield [take(place), { parse: field, as }]
    }
  }
  if (isThere && !isRequired(field)) yield [{ remove: field }]
}

/** An address may hold an id, and is none. */
const isAddress = (value: unknown): boolean => typeof value === 'string' && value.includes('/')

/** What a parser makes something else of was written for such a field, whatever it is called; but for bare numbers. */
const isWords = (value: unknown): boolean => typeof value === 'string' && !/^[\d.,\s]*$/.test(value)

function isUnderstood(value: unknown, as: keyof typeof PARSERS): boolean {
  const parse: Parser = PARSERS[as]
  const read = parse(value, () => JSON.stringify(value))
  return read !== undefined && read !== value
}

function titleOf(
  steps: readonly Step[],
  field: ReviewField,
  { review, ...rest }: Repairable,
  value: unknown,
): string {
  const parts: string[] = []
  let before: unknown = review[field]
  for (const step of steps) {
    const from = 'copy' in step ? step.copy : 'from' in step ? step.from : undefined
    if (from !== undefined) {
      parts.push(`take ${field} from ${from}`)
      before = createGetter(from)(rest)
    } else if ('parse' in step) parts.push(`${parts.length > 0 ? 'read it' : `read ${field}`} as ${step.as}`)
    else if ('remove' in step) return `leave ${field} out`
  }
  const isRead = steps.some((step) => 'parse' in step)
  return `${parts.join(' and ')}: ${isRead ? `${shown(before)} → ` : ''}${shown(value)}`
}

const MAX_SHOWN = 60

function shown(value: unknown): string {
  if (value !== null && typeof value === 'object') return Array.isArray(value) ? '[…]' : '{…}'
  const text = JSON.stringify(typeof value === 'string' ? value.slice(0, 2 * MAX_SHOWN) : value) ?? 'nothing'
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}
