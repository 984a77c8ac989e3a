import { findAll } from '../../lib/json-scan.ts'
import type { PagingConfig } from './paging-field.ts'
import { Trouble } from './trouble.ts'

/** Which page of a crawl is next. */
export interface Place {
  /** Counted from 1. */
  readonly page: number
  /** What the page before named as the next one; not there for the first. */
  readonly cursor?: string | undefined
  /** An earlier cursor of the crawl: whoever meets it again goes in circles. */
  readonly mark?: string | undefined
}

/** What a page tells about the next one. */
export interface Clues {
  /** The page as JSON; undefined where there was no body. */
  readonly text: string | undefined
  /** The header `Link`. */
  readonly link: string | undefined
  /** Whether it holds no reviews. That is the end, unless a next page is named. */
  readonly isEmpty: boolean
}

export interface Paging {
  /** The parameters that ask for this place. */
  params(place: Place): Readonly<Record<string, string>>
  /** The place behind this one; undefined at the end. Throws `Trouble` where what should name it names nothing. */
  next(place: Place, clues: Clues): Place | undefined
}

export const BEGINNING: Place = { page: 1 }

const MAX_CURSOR_LENGTH = 8_192
const NO_PARAMS = {}

/** `keep` makes of a link to the next page what may be kept of it. */
export function createPaging(paging: PagingConfig, keep: (link: string, from: Place) => string): Paging {
  switch (paging.kind) {
    case 'none':
      return { params: () => NO_PARAMS, next: () => undefined }
    case 'page': {
      const { param, first, max = Infinity, totalPages } = paging
      return {
        params: ({ page }) => ({ [param]: String(first + page - 1) }),
        next({ page }, clues) {
          const isEnd = clues.isEmpty || page >= max || page >= totalOf(clues, totalPages)
          return isEnd ? undefined : { page: page + 1 }
        },
      }
    }
    case 'offset': {
      const { param, sizeParam, size } = paging
      const sized = sizeParam === undefined ? NO_PARAMS : { [sizeParam]: String(size) }
      return {
        params: ({ page }) => ({ [param]: String((page - 1) * size), ...sized }),
        next: ({ page }, { isEmpty }) => (isEmpty ? undefined : { page: page + 1 }),
      }
    }
    case 'cursor':
      return {
        params: ({ cursor }) => (cursor === undefined ? NO_PARAMS : { [paging.param]: cursor }),
        next: (place, clues) => follow(place, tokenAt(clues, paging.next)),
      }
    case 'next-link':
      return {
        params: () => NO_PARAMS,
        next(place, clues) {
          const link = paging.next === undefined ? nextLink(clues.link) : tokenAt(clues, paging.next)
          return follow(place, link === undefined ? undefined : keep(link, place))
        },
      }
  }
}

/**
 * The place with this cursor, unless it was met before. The mark moves to every page whose number is a power of two, so
 * that a circle of any length is found, with one cursor remembered.
 */
export function follow(place: Place, cursor: string | undefined): Place | undefined {
  if (cursor === undefined || cursor === place.cursor || cursor === place.mark) return undefined
  if (cursor.length > MAX_CURSOR_LENGTH) {
    const message = `expected a next page of at most ${MAX_CURSOR_LENGTH} characters, found ${cursor.length}`
    throw new Trouble('PAGE_UNREADABLE', message)
  }
  const page = place.page + 1
  const isPowerOfTwo = (page & (page - 1)) === 0
  return { page, cursor, mark: isPowerOfTwo ? cursor : place.mark }
}

const LINK_PARAM = /;\s*([\w*-]+)\s*=\s*(?:"([^"]*)"|([^\s;]*))/g

/** The target with `rel=next` among the links of the header (RFC 8288). */
export function nextLink(header = ''): string | undefined {
  for (const [, target, params = ''] of header.matchAll(/<([^>]*)>((?:[^"<,]|"[^"]*")*)/g)) {
    for (const [, name = '', quoted, token = ''] of params.matchAll(LINK_PARAM)) {
      const rels = (quoted ?? token).toLowerCase().split(/\s+/)
      if (name.toLowerCase() === 'rel' && rels.includes('next')) return target
    }
  }
  return undefined
}

function totalOf({ text }: Pick<Clues, 'text'>, pointer: string | undefined): number {
  if (pointer === undefined || text === undefined) return Infinity
  const total = Number.parseInt(tokenAt({ text }, pointer) ?? '', 10)
  return Number.isNaN(total) ? Infinity : total
}

/** A text, or a number exactly as it is written; undefined where there is neither. */
function tokenAt({ text }: Pick<Clues, 'text'>, pointer: string): string | undefined {
  if (text === undefined) return undefined
  const [span] = findAll(text, pointer)
  const token = span === undefined ? 'null' : text.slice(...span)
  if (token === 'null' || token === 'false' || token === '""') return undefined
  if (token.startsWith('"')) return String(JSON.parse(token))
  if (/^[-\d]/.test(token)) return token
  const found = token.startsWith('{') ? 'an object' : token.startsWith('[') ? 'a list' : token
  throw new Trouble('PAGE_UNREADABLE', `expected a text, a number or null at ${pointer}, found ${found}`)
}
