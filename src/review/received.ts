/**
 * One review's bytes as they came: the only truth. Everything else is an interpretation of it and may be made again.
 * What couldn't be split into reviews (a line, a page, a body) is one received item too.
 */
export interface Received {
  /** Who the reviews are from: the source's name, unless the config lets two sources share one. */
  readonly origin: string
  /** Milliseconds since 1970, UTC. */
  readonly receivedAt: number
  /** The item without the white space or byte order mark around it; otherwise exactly as it came. */
  readonly raw: Buffer
  readonly context: Context
}

/** What is larger is kept, and neither read nor published: as text it could be longer than any text in memory. */
export const MAX_RAW_BYTES = 128 * 2 ** 20

/** What was known on arrival, without secrets. JSON: it travels in the event and is kept in the row. */
export interface Context {
  /** The name and the kind of the source. */
  readonly source: string
  readonly kind: string
  /** Where it came from: a path, or a URL without secrets. */
  readonly from?: string
  /** Which item of that place, counted from 1: a line of a file, an element of a body. */
  readonly position?: number
  /** Which page of a crawl it stood on, counted from 1, and the HTTP status of that answer. */
  readonly page?: number
  readonly status?: number
  /** The sender's id of the delivery. */
  readonly delivery?: string
  /** How the sender proved who it is, for example `standard-webhooks`; absent where nothing was asked. */
  readonly verified?: string
  /** Fields of the envelope around the item that the preset carries along, such as the product of a page. */
  readonly carried?: Readonly<Record<string, unknown>>
  /** The header of a CSV or TSV file: raw is one record of it. */
  readonly columns?: readonly string[]
  readonly delimiter?: string
  /** Why this could not be split into reviews. Its verdict is always `unreadable`. */
  readonly unreadable?: string
  /** The provider withheld reviews, by a captcha or the like: how it shows. Its verdict is always `soft_blocked`. */
  readonly blocked?: string
  /** The source found that a review is no longer shown, or shown again: raw is its note of it, and no review. */
  readonly event?: 'removed' | 'returned'
  /** The provider answered with an error in place of reviews: what it said. Its verdict is always `provider_error`. */
  readonly failure?: string
}

/** A part of a document that the preset took for one review, or for something that holds none. */
export interface Piece {
  readonly raw: Buffer
  readonly carried?: Readonly<Record<string, unknown>>
  readonly unreadable?: string
  readonly failure?: string
}

/** Cuts a JSON document into reviews with their exact bytes. Never throws: what can't be cut is one unreadable piece. */
export type Split = (document: Buffer) => Iterable<Piece>
