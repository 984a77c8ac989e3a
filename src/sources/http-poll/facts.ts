import { z } from 'zod'
import type { Registry } from '../../stores/registry.ts'
import { savedParts } from '../checkpoint.ts'
import { observed } from './velocity.ts'

/** What the checkpoint of a product tells beside its place in the crawl; each is absent until it is known. */
export const factFields = {
  /** For the planner. */
  observed: observed.optional(),
  /** How many reviews there are, as the provider says. */
  told: z.int().min(0).optional(),
  /** How many different reviews the last poll showed that came to its end. */
  fetched: z.int().min(0).optional(),
  /** When the last poll began that saw all there is, in milliseconds since 1970. */
  completeAt: z.number().optional(),
  /** When the last poll began that came to its end, in milliseconds since 1970. */
  polledAt: z.number().optional(),
  /** The calls of all polls but the first, which finds what gathered in years, and how many new versions they found. */
  yielded: z.object({ calls: z.int().min(0), fresh: z.int().min(0) }).optional(),
  /** The last poll but the first that found new versions: when it began, and how long after the poll before it. */
  found: z.object({ at: z.number(), afterMs: z.number().min(0) }).optional(),
}

const facts = z.object(factFields)

export type Facts = z.output<typeof facts>

/** The name under which a source that has no products keeps what it knows. */
export const ONLY_PRODUCT = '-'

/** What is saved of each product of a source, in the order of their names; nothing of one whose checkpoint can't be read. */
export async function* savedFacts(
  source: string,
  { registry, signal }: { readonly registry: Registry; readonly signal: AbortSignal },
): AsyncGenerator<{ readonly product: string; readonly facts: Facts }, void, undefined> {
  for await (const { part, saved = {} } of savedParts({ name: source, registry }, facts)) {
    signal.throwIfAborted()
    yield { product: part, facts: saved }
  }
}
