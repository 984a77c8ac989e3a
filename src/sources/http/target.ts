import { HIDDEN, isSecretParameter } from '../../lib/redact.ts'
import type { Ask } from './client.ts'
import { PRODUCT, type RequestConfig } from './request.ts'
import { createPaging, type Paging, type Place } from './paging.ts'
import type { PagingConfig } from './paging-field.ts'
import type { Secrets } from './secrets.ts'
import { Trouble } from './trouble.ts'

/** One list of reviews at a provider: all of them, or those of a product. */
export interface Target {
  /** The request for a page. */
  ask(place: Place): Ask
  /** The place behind this one; no secret of the config is in it. Undefined at the end; throws `Trouble`. */
  readonly next: Paging['next']
}

/** How a list of pages is asked for. */
export type TargetConfig = Omit<RequestConfig, 'body'> &
  Partial<Pick<RequestConfig, 'body'>> & { readonly paging: PagingConfig }

export function createTarget(config: TargetConfig, secrets: Secrets, product = ''): Target {
  const { method, body, paging: kind } = config
  const base = new URL(config.url.replaceAll(PRODUCT, () => encodeURIComponent(product)))
  for (const [name, value] of Object.entries(config.params)) {
    const filled = value.replaceAll(PRODUCT, () => product)
    base.searchParams.set(name, filled)
  }
  base.hash = ''
  const shown = shownParams(config)
  const paging = createPaging(kind, keep)
  const posted = body?.replaceAll(PRODUCT, () => JSON.stringify(product).slice(1, -1))
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

  /** A link as it may be saved: without what the config gives, which the provider may repeat in it. */
  function keep(link: string, from: Place): string {
    const url = URL.parse(link, urlOf(from).href)
    if (url?.origin !== base.origin) {
      const found = url === null ? 'a text that is none' : `one to ${secrets.scrub(url.origin)}`
      throw new Trouble('PAGE_UNREADABLE', `expected a link to a next page at ${base.origin}, found ${found}`)
    }
    const isGiven = (name: string, value: string): boolean =>
      base.searchParams.get(name) === value || (secrets.has(value) && secrets.areIn(value))
    const params = [...url.searchParams].map(([name, value]): [string, string] => [
      name,
      isGiven(name, value) ? HIDDEN : value,
    ])
    if (params.some(([, value]) => value === HIDDEN)) url.search = new URLSearchParams(params).toString()
    url.username = url.password = url.hash = ''
    if (!secrets.areIn(url.href)) return url.href
    throw new Trouble(
      'PAGE_UNREADABLE',
      'expected a link to a next page, found one with a secret of the config',
    )
  }

  /** What `keep` was given. A key that the provider did not repeat is needed all the same. */
  function reveal(link: string): URL {
    const url = new URL(link)
    const gone = [...url.searchParams].filter(
      ([name, value]) => value === HIDDEN && !base.searchParams.has(name),
    )
    for (const [name] of gone) url.searchParams.delete(name)
    for (const [name, value] of base.searchParams) {
      const linked = url.searchParams.get(name)
      if (linked === HIDDEN || isSecretParameter(name)) url.searchParams.set(name, value)
    }
    return url
  }

  return {
    ask(place) {
      const url = urlOf(place)
      return {
        url,
        from: shownUrl(url, shown),
        method,
        headers,
        ...(posted !== undefined && { body: posted }),
      }
    },
    next: (place, clues) => paging.next(place, clues),
  }
}

/** The URL without anything that may be a secret: of its parameters, those of these names are left. */
function shownUrl(url: URL, names: ReadonlySet<string>): string {
  const shown = new URL(url)
  shown.username = shown.password = shown.search = shown.hash = ''
  for (const [name, value] of url.searchParams) if (names.has(name)) shown.searchParams.append(name, value)
  return shown.href
}

/** The parameters that say which product and which page, and nothing else. */
function shownParams({ url, params, paging }: TargetConfig): ReadonlySet<string> {
  const given = [...new URL(url).searchParams, ...Object.entries(params)]
  const ofProduct = given.filter(([, value]) => value === PRODUCT).map(([name]) => name)
  const ofPage =
    paging.kind === 'page'
      ? [paging.param]
      : paging.kind === 'offset'
        ? [paging.param, paging.sizeParam ?? paging.param]
        : []
  return new Set([...ofProduct, ...ofPage])
}
