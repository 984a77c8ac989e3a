import type { Config as PollConfig } from '../sources/http-poll/config.ts'
import { type Facts, ONLY_PRODUCT, savedFacts } from '../sources/http-poll/facts.ts'
import { readListed } from '../sources/http/products.ts'
import type { SourceConfig } from '../config/schema.ts'
import { HeadwaterError } from '../errors.ts'
import type { Registry } from '../stores/registry.ts'

/** A product that is polled, and what is known of it: nothing, where it was not polled yet. */
export interface Polled {
  readonly product: string
  readonly facts: Facts
}

export const settingsOf = ({ settings }: SourceConfig): PollConfig => settings as PollConfig

/** The sources that poll, or the one with this name. Throws NOT_FOUND or USAGE. */
export function pollers(sources: readonly SourceConfig[], name?: string): readonly SourceConfig[] {
  const found = sources.filter(
    (source) => source.type === 'http-poll' && (name === undefined || source.name === name),
  )
  if (found.length > 0) return found
  if (name === undefined) throw new HeadwaterError('USAGE', 'the config has no source of the type http-poll')
  const known = sources.map((source) => `${source.name} (${source.type})`).join(', ')
  const message = `--source: expected a source of the type http-poll, found "${name}"; the config has: ${known}`
  throw new HeadwaterError('NOT_FOUND', message)
}

/** Every product that the config names now, those that were never polled behind the others. A few hundred bytes each. */
export async function polledBy(
  source: SourceConfig,
  within: { readonly registry: Registry; readonly signal: AbortSignal },
): Promise<readonly Polled[]> {
  return namedNow(source, await Array.fromAsync(savedFacts(source.name, within)))
}

/** The same, where it was read already what is saved. */
export async function namedNow(source: SourceConfig, saved: readonly Polled[]): Promise<readonly Polled[]> {
  const named = await namedBy(settingsOf(source).products)
  const rest = new Set(named)
  const polled = saved.filter(({ product }) => rest.delete(product) || named === undefined)
  for (const product of rest) polled.push({ product, facts: {} })
  return polled
}

/** Undefined where a URL names them: that is asked by whoever polls, and what was polled of it is known. */
async function namedBy(products: PollConfig['products']): Promise<readonly string[] | undefined> {
  if (products === undefined) return [ONLY_PRODUCT]
  return 'url' in products ? undefined : readListed(products)
}

/** The first so many in an order, found without sorting all. */
export function leading<T>(all: readonly T[], count: number, compare: (a: T, b: T) => number): readonly T[] {
  let first: T[] = []
  for (const one of all) {
    first.push(one)
    if (first.length >= 2 * count) first = first.toSorted(compare).slice(0, count)
  }
  return first.toSorted(compare).slice(0, count)
}

/** When something was, for a person: how long ago. */
export const ago = (at: number | undefined, now: number, format: (ms: number) => string): string =>
  at === undefined ? 'never' : `${format(Math.max(0, now - at))} ago`
