import { findAll } from '../lib/json-scan.ts'
import { createGetter } from '../lib/pointer.ts'
import { PARSERS } from './parsers.ts'
import type { Preset } from './preset.ts'
import { createSigns } from './signs.ts'

/** What the responses in a document tell beside their reviews. */
export interface Told {
  /** How many reviews the product has, as the provider counts. */
  readonly total?: number
  /** Whether the shop shut the provider out: there may be reviews that it could not see. */
  readonly isBlocked: boolean
}

/** Reads what a preset's responses tell. It takes text that `JSON.parse` takes. */
export function createTold({ responses, total = [], blocked }: Preset): (document: string) => Told {
  const places = total.map(createGetter)
  const findBlock = createSigns(blocked)
  if (places.length === 0 && blocked === undefined) return () => ({ isBlocked: false })

  return (document) => {
    const spans = responses.map((pattern) => findAll(document, pattern)).find((some) => some.length > 0) ?? []
    const values = spans.map(([start, end]): unknown => JSON.parse(document.slice(start, end)))
    const counts = values.flatMap((value) => places.map((get) => PARSERS.count(get(value), NO_TOKEN)))
    const told = counts.find(isCount)
    const isBlocked = values.some((value) => findBlock(value) !== undefined)
    return told === undefined ? { isBlocked } : { isBlocked, total: told }
  }
}

const isCount = (found: unknown): found is number => Number.isSafeInteger(found) && Number(found) >= 0

/** A count is read from its value alone. */
const NO_TOKEN = (): string => ''
