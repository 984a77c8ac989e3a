import { Agent, type Dispatcher, request } from 'undici'
import { formatDuration } from '../../lib/units.ts'
import { within } from '../../lib/waiting.ts'
import { ACCEPT_ENCODING, collect, inflate } from './body.ts'
import { first, joined } from './headers.ts'
import type { LimitsConfig } from './request.ts'
import { waitMs } from './rate-limit.ts'
import type { Secrets } from './secrets.ts'
import { isQuotaStatus, shortened, Trouble, troubleOf } from './trouble.ts'
import { conditionsOf, type Validators, validatorsOf } from './validators.ts'

/** A request for one page. */
export interface Ask {
  readonly url: URL
  /** The URL without secrets, for people. */
  readonly from: string
  readonly method: 'GET' | 'POST'
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /**
   * What 202 means: an answer, where something is begun; or that this alone is not ready, which keeps nobody else waiting.
   * Unless told, the provider asks for patience.
   */
  readonly accepted?: 'answer' | 'not ready'
  /** Whether nothing in it says who asks, so that a refusal is about this request alone. */
  readonly isAnonymous?: boolean
  /** Those of the page as we have it: if it is still the same, the answer says so and brings no page. */
  readonly validators?: Validators | undefined
}

/** A page as it came, inflated. */
export interface Answer {
  readonly status: number
  readonly contentType: string | undefined
  /** The header `Link`. */
  readonly link: string | undefined
  /** The page is still the one of the validators that were asked with; nothing stands in the body then. */
  readonly isUnchanged: boolean
  /** What to ask for this page with the next time; undefined where the provider gave none. */
  readonly validators: Validators | undefined
  /** Empty where the provider says that there is nothing. */
  readonly body: Buffer
}

/** Decides when requests are sent, and hears what providers ask for. Both reject with the signal's reason. */
export interface Gate {
  /** Resolves when a request may go to this host, with what to call once its answer is there. */
  enter(host: string, signal: AbortSignal, isRedirect: boolean): Promise<() => void>
  /** The provider asked to be left alone for so long. Resolves when nothing can make that forgotten. */
  hold(ms: number, signal: AbortSignal): Promise<void>
}

export interface Client {
  /** Waits for its gate first. Throws `Trouble` for anything but a page, and the signal's reason. */
  ask(ask: Ask, signal: AbortSignal): Promise<Answer>
  /** Ends what is under way. */
  destroy(): Promise<void>
}

/** A request on its way, perhaps redirected. */
interface Hop extends Ask {
  /** Whether it goes to nobody but the host of the config, and never left it. */
  readonly isTrusted: boolean
}

type Response = Dispatcher.ResponseData

const MAX_REDIRECTS = 5
const MAX_WORDS_BYTES = 65_536
const PLAIN_HEADERS = {
  accept: 'application/json',
  'accept-encoding': ACCEPT_ENCODING,
  'user-agent': 'headwater',
}

const OPEN_GATE: Gate = { enter: async () => () => {}, hold: async () => {} }

/** A client with connections of its own. Headers, body and secret parameters go to the host that is asked, and to no other. */
export function createClient(
  { connectTimeoutMs, timeoutMs, bodyTimeoutMs, maxBodyBytes }: LimitsConfig,
  secrets: Secrets,
  clock: () => number,
  gate: Gate = OPEN_GATE,
): Client {
  const dispatcher = new Agent({
    connect: { timeout: connectTimeoutMs },
    headersTimeout: timeoutMs,
    // Between two pieces of it; what the whole may take is watched here.
    bodyTimeout: 0,
    allowH2: false,
  })

  async function answerTo(ask: Ask, signal: AbortSignal): Promise<Answer> {
    let hop: Hop = { ...ask, isTrusted: true }
    for (let redirects = 0; ; redirects++) {
      const leave = await gate.enter(hop.url.host, signal, redirects > 0)
      try {
        const response = await send(hop, signal)
        const { statusCode: status, headers } = response
        const askedMs = waitMs(headers, isQuotaStatus(status), clock())
        const isOwn = status === 202 && hop.accepted !== undefined
        if (askedMs !== undefined && !isOwn) await gate.hold(askedMs, signal)
        if (!isRedirect(status) || headers['location'] === undefined) {
          return await read(response, hop, askedMs, signal)
        }
        await wordsOf(response, hop, signal)
        if (redirects === MAX_REDIRECTS) {
          throw refused(`expected a page from ${ask.from}, found more than ${MAX_REDIRECTS} redirects`)
        }
        hop = redirected(hop, status, first(headers['location']) ?? '')
      } finally {
        leave()
      }
    }
  }

  function send(
    { url, method, headers, body, validators, isTrusted }: Hop,
    signal: AbortSignal,
  ): Promise<Response> {
    const own = { ...PLAIN_HEADERS, ...conditionsOf(validators) }
    return request(url, {
      dispatcher,
      method,
      headers: isTrusted ? { ...own, ...headers } : own,
      ...(body !== undefined && { body }),
      signal,
    })
  }

  function redirected(hop: Hop, status: number, location: string): Hop {
    const url = URL.parse(location, hop.url.href)
    if (url === null || !/^https?:$/.test(url.protocol)) {
      throw refused(`expected a redirect of ${hop.from} to an http or https URL, found another`)
    }
    const isTrusted = hop.isTrusted && url.origin === hop.url.origin
    const { body, ...rest } = hop
    const isGet = status === 303 || (hop.method === 'POST' && status < 303)
    if (isGet || body === undefined) {
      return {
        ...rest,
        method: isGet ? 'GET' : hop.method,
        url: isTrusted ? url : stripped(url, hop.from),
        isTrusted,
      }
    }
    if (isTrusted) return { ...hop, url }
    const to = secrets.scrub(url.origin)
    throw refused(`${hop.from} redirects what is posted to ${to}: name that in url, if you trust it`)
  }

  /** What may be asked of a host that the config does not name. */
  function stripped(url: URL, from: string): URL {
    const telling = [...url.searchParams].filter(([, value]) => secrets.has(value))
    for (const [name] of telling) url.searchParams.delete(name)
    url.username = url.password = ''
    if (!secrets.areIn(url.href)) return url
    throw refused(`${from} redirects to another host with a secret of the config in the URL`)
  }

  async function read(
    response: Response,
    hop: Hop,
    retryAfterMs: number | undefined,
    signal: AbortSignal,
  ): Promise<Answer> {
    const { statusCode: status, headers } = response
    const contentType = first(headers['content-type'])
    const isUnchanged = status === 304 && hop.validators !== undefined
    if (isUnchanged || (status >= 200 && status < 300 && (status !== 202 || hop.accepted === 'answer'))) {
      const body = await bodyOf(response, hop, maxBodyBytes, signal)
      const link = joined(headers['link'])
      const validators = isUnchanged ? { ...hop.validators, ...validatorsOf(headers) } : validatorsOf(headers)
      return { status, contentType, link, isUnchanged, validators, body }
    }
    const told = await wordsOf(response, hop, signal)
    const isText = /json|text\/plain/.test(contentType ?? '')
    throw troubleOf({
      status,
      from: hop.isTrusted ? hop.from : `${hop.from}, redirected to ${secrets.scrub(hop.url.origin)}`,
      words: isText ? shortened(secrets.scrub(told.toString())) : '',
      retryAfterMs,
      isAnonymous: hop.isAnonymous,
    })
  }

  async function bodyOf(
    { headers, body }: Response,
    { from }: Hop,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<Buffer> {
    const late = (): Trouble =>
      unavailable(from, `a body that was not there within ${formatDuration(bodyTimeoutMs)}`)
    try {
      const sent = await within(bodyTimeoutMs, collect(body, maxBytes), late, signal)
      return await inflate(sent, first(headers['content-encoding']), maxBytes)
    } finally {
      body.destroy()
    }
  }

  /** What stands beside the point of an answer: nothing, where it can't be had. */
  const wordsOf = (response: Response, hop: Hop, signal: AbortSignal): Promise<Buffer> =>
    bodyOf(response, hop, MAX_WORDS_BYTES, signal).catch(() => Buffer.alloc(0))

  /** Why there is no answer, as the network has it; undefined where it is a bug. */
  function reasonOf(error: unknown): string | undefined {
    if (!(error instanceof Error) || error instanceof TypeError) return undefined
    const { name, message } = error
    // Not every error of HTTP has a code.
    const code = 'code' in error && typeof error.code === 'string' ? error.code : name
    if (code === 'UND_ERR_CONNECT_TIMEOUT') return `no connection within ${formatDuration(connectTimeoutMs)}`
    if (code === 'UND_ERR_HEADERS_TIMEOUT') return `none within ${formatDuration(timeoutMs)}`
    if (/^(UND_)?ERR_INVALID/.test(code)) return undefined
    return `${code}${message === '' ? '' : `: ${message}`}`
  }

  return {
    async ask(ask, signal) {
      try {
        return await answerTo(ask, signal)
      } catch (error) {
        signal.throwIfAborted()
        if (error instanceof Trouble) throw error
        const why = reasonOf(error)
        if (why === undefined) throw error
        throw unavailable(ask.from, secrets.scrub(why), error)
      }
    },
    destroy: () => dispatcher.destroy(),
  }
}

const isRedirect = (status: number): boolean => [301, 302, 303, 307, 308].includes(status)

const unavailable = (from: string, found: string, cause?: unknown): Trouble =>
  new Trouble('PROVIDER_UNAVAILABLE', `expected a page from ${from}, found ${found}`, {
    isShared: true,
    cause,
  })

const refused = (message: string): Trouble => new Trouble('PROVIDER_REFUSED', message)
