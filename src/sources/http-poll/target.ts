import { HIDDEN } from '../../lib/redact.ts'
import type { Ask } from './client.ts'
import { type Config, PRODUCT } from './config.ts'
import { createPaging, type Paging, type Place } from './paging.ts'
import { isSecretParameter } from './secrets.ts'
import { Trouble } from './trouble.ts'

/** One list of reviews at a provider: all of them, or those of a product. */
export interface Target {
  readonly product: string | undefined
  /** The request for a page. */
  ask(place: Place): Ask
  /** The place behind this one; no secret of the config is in it. Undefined at the end; throws `Trouble`. */
  readonly next: Paging['next']
}

export function createTarget(config: Config, product?: string): Target {
  const { method, body, paging: kind } = config
  const base = new URL(config.url.replaceAll(PRODUCT, () => encodeURIComponent(product ?? '')))
  for (const [name, value] of Object.entries(config.params)) {
    base.searchParams.set(
      name,
      value.replaceAll(PRODUCT, () => product ?? ''),
    )
  }
  base.hash = ''
  const harmless = harmlessParams(config)
  const paging = createPaging(kind, keep)
  const posted = body?.replaceAll(PRODUCT, () => JSON.stringify(product ?? '').slice(1, -1))
  const headers = {
    ...(posted !== undefined && { 'content-type': 'application/json' }),
    ...Object.fromEntries(Object.entries(config.headers).map(([name, value]) => [name.toLowerCase(), value])),
  }

  function urlOf(place: Place): URL {
    const isLink = kind.kind === 'next-link' && place.cursor !== undefined
    const url = isLink ? reveal(place.cursor) : new URL(base)
    for (const [name, value] of Object.entries(paging.params(place))) url.searchParams.set(name, value)
    return url
  }

  /** A link without the values of the config, which the provider may repeat in it. */
  function keep(link: string, from: Place): string {
    const url = URL.parse(link, urlOf(from).href)
    if (url?.origin !== base.origin) {
      const found = url === null ? 'a text that is none' : `one to ${url.origin}`
      throw new Trouble('PAGE_UNREADABLE', `expected a link to a next page at ${base.origin}, found ${found}`)
    }
    for (const [name, value] of base.searchParams) {
      if (url.searchParams.get(name) === value) url.searchParams.set(name, HIDDEN)
    }
    url.hash = ''
    return url.href
  }

  /** What `keep` was given. A key that the provider did not repeat is needed all the same. */
  function reveal(link: string): URL {
    const url = new URL(link)
    for (const [name, value] of base.searchParams) {
      const linked = url.searchParams.get(name)
      if (linked === HIDDEN || (linked === null && isSecretParameter(name))) url.searchParams.set(name, value)
    }
    return url
  }

  return {
    product,
    ask(place) {
      const url = urlOf(place)
      const from = shownUrl(url, harmless)
      return { url, from, method, headers, ...(posted !== undefined && { body: posted }) }
    },
    next: (place, clues) => paging.next(place, clues),
  }
}

/** The URL without anything that may be a secret: of its parameters, those of these names are left. */
export function shownUrl(url: URL, harmless: ReadonlySet<string>): string {
  const shown = new URL(url)
  shown.username = shown.password = shown.search = shown.hash = ''
  for (const [name, value] of url.searchParams) if (harmless.has(name)) shown.searchParams.append(name, value)
  return shown.href
}

/** The parameters that say which product and which page. */
function harmlessParams({ url, params, paging }: Config): ReadonlySet<string> {
  const given = [...new URL(url).searchParams, ...Object.entries(params)]
  const ofProduct = given.filter(([, value]) => value.includes(PRODUCT)).map(([name]) => name)
  const ofPage =
    paging.kind === 'page'
      ? [paging.param]
      : paging.kind === 'offset'
        ? [paging.param, paging.sizeParam ?? paging.param]
        : []
  return new Set([...ofProduct.filter((name) => !isSecretParameter(name)), ...ofPage])
}
