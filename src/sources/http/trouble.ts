import { STATUS_CODES } from 'node:http'
import { type Code, HeadwaterError } from '../../errors.ts'

type TroubleCode = Extract<
  Code,
  'PROVIDER_UNAVAILABLE' | 'PROVIDER_REFUSED' | 'PAGE_UNREADABLE' | 'SOFT_BLOCKED'
>

export interface TroubleOptions extends ErrorOptions {
  /** Whether other products of the same provider would meet it too. */
  readonly isShared?: boolean
  /** Whether too much was asked, or more than is paid for. */
  readonly isQuota?: boolean
  /** What the provider asked to wait. */
  readonly retryAfterMs?: number | undefined
  readonly status?: number
}

/** Why a page could not be had. The source goes on: it asks for the same page again. */
export class Trouble extends HeadwaterError {
  readonly isShared: boolean
  readonly isQuota: boolean
  readonly retryAfterMs: number | undefined
  readonly status: number | undefined
  constructor(code: TroubleCode, message: string, options: TroubleOptions = {}) {
    super(code, message, options)
    this.isShared = options.isShared ?? false
    this.isQuota = options.isQuota ?? false
    this.retryAfterMs = options.retryAfterMs
    this.status = options.status
  }

  /** Whether the provider itself is unwell, or keeps us out, and should rest: the circuit breaker counts it. */
  get isOfProvider(): boolean {
    return this.isShared || this.code === 'SOFT_BLOCKED'
  }

  /** Whether it may pass by itself. */
  get mayPass(): boolean {
    return this.code === 'PROVIDER_UNAVAILABLE' || this.code === 'SOFT_BLOCKED'
  }
}

/** Statuses besides those of 500 and more that pass by themselves. */
const PASSING = new Set([202, 408, 425, 429])
/** Statuses that are about who asks, and not about one request: where no key was sent, that request is all they know. */
const ABOUT_THE_KEY = new Set([401, 403, 407])
/** Statuses that are about the account. */
const QUOTA = new Set([402, 429])

/** Whether an answer with this status says that too much was asked, or more than is paid for. */
export const isQuotaStatus = (status: number): boolean => QUOTA.has(status)

const MAX_WORDS = 200

const ADVICE: Readonly<Record<number, string>> = {
  202: 'the provider is not ready yet',
  400: 'compare url, params and body with what the provider documents',
  401: 'check the key in headers or params',
  402: 'check the credit of the account',
  403: 'check the key in headers or params, and what it is allowed to see',
  404: 'check url and the product',
  405: 'check method',
  410: 'check url and the product',
  429: 'the provider asks for fewer requests; if it lasts, raise every or set rate',
}

/** An answer that is no page. */
export interface NoPage {
  readonly status: number
  /** The URL without secrets. */
  readonly from: string
  /** What the provider said about it, without secrets. */
  readonly words: string
  readonly retryAfterMs: number | undefined
  /** Whether nothing in the request said who asks. */
  readonly isAnonymous?: boolean | undefined
}

/** What an answer other than a page means, and what to do. */
export function troubleOf({ status, from, words, retryAfterMs, isAnonymous = false }: NoPage): Trouble {
  const mayPass = status >= 500 || PASSING.has(status)
  const said = words === '' ? '' : ` (${words})`
  const isAboutKey = ABOUT_THE_KEY.has(status)
  const advice =
    isAboutKey && isAnonymous
      ? 'the link may have expired'
      : (ADVICE[status] ?? (mayPass ? 'the provider is unwell' : 'check url, method and params'))
  return new Trouble(
    mayPass ? 'PROVIDER_UNAVAILABLE' : 'PROVIDER_REFUSED',
    `expected a page from ${from}, found ${status} ${STATUS_CODES[status] ?? ''}${said}: ${advice}`,
    {
      isShared: status >= 500 || isQuotaStatus(status) || (isAboutKey && !isAnonymous),
      isQuota: isQuotaStatus(status),
      retryAfterMs,
      status,
    },
  )
}

/** What a provider said, as a part of one line. */
export function shortened(words: string): string {
  const line = words.replace(/[\p{Cc}\s]+/gu, ' ').trim()
  return line.slice(0, MAX_WORDS).toWellFormed()
}
