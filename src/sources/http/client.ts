import { Agent, type Dispatcher, request } from 'undici'
import { ACCEPT_ENCODING, collect, inflate } from './body.ts'
import type { LimitsConfig } from './request.ts'
import { retryAfterMs } from './retry-after.ts'
import type { Secrets } from './secrets.ts'
import { shortened, Trouble, troubleOf } from './trouble.ts'

/** A request for one page. */
export interface Ask {
  readonly url: URL
  /** The URL without secrets, for people. */
  readonly from: string
  readonly method: 'GET' | 'POST'
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Whether 202 is an answer too, as it is where something is begun. */
  readonly takesAccepted?: boolean
}

/** A page as it came, inflated. */
export interface Answer {
  readonly status: number
  readonly contentType: string | undefined
  /** The header `Link`. */
  readonly link: string | undefined
  /** Empty where the provider says that there is nothing. */
  readonly body: Buffer
}

export interface Client {
  /** Throws `Trouble` for anything but a page, and the signal's reason. */
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

/** A client with connections of its own. Headers, body and secret parameters go to the host that is asked, and to no other. */
export function createClient(
  { timeoutMs, maxBodyBytes }: LimitsConfig,
  secrets: Secrets,
  clock: () => number,
): Client {
  const dispatcher = new Agent({
    connect: { timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    allowH2: false,
  })

  async function answerTo(ask: Ask, signal: AbortSignal): Promise<Answer> {
    let hop: Hop = { ...ask, isTrusted: true }
    for (let redirects = 0; ; redirects++) {
      const response = await send(hop, signal)
      const { location } = response.headers
      if (!isRedirect(response.statusCode) || location === undefined) return read(response, hop)
      await response.body.dump()
      if (redirects === MAX_REDIRECTS) {
        throw refused(`expected a page from ${ask.from}, found more than ${MAX_REDIRECTS} redirects`)
      }
      hop = redirected(hop, response.statusCode, first(location) ?? '')
    }
  }

  function send({ url, method, headers, body, isTrusted }: Hop, signal: AbortSignal): Promise<Response> {
    return request(url, {
      dispatcher,
      method,
      headers: isTrusted ? { ...PLAIN_HEADERS, ...headers } : PLAIN_HEADERS,
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

  async function read({ statusCode: status, headers, body }: Response, hop: Hop): Promise<Answer> {
    const contentType = first(headers['content-type'])
    const encoding = first(headers['content-encoding'])
    const isPage = status >= 200 && status < 300 && (status !== 202 || hop.takesAccepted === true)
    if (isPage) {
      const sent = await collect(body, maxBodyBytes)
      const link = [headers['link'] ?? []].flat().join(', ')
      return { status, contentType, link, body: await inflate(sent, encoding, maxBodyBytes) }
    }
    const told = await collect(body, MAX_WORDS_BYTES)
      .then((sent) => inflate(sent, encoding, MAX_WORDS_BYTES))
      .catch(() => Buffer.alloc(0))
    const isText = /json|text\/plain/.test(contentType ?? '')
    throw troubleOf({
      status,
      from: hop.isTrusted ? hop.from : `${hop.from}, redirected to ${secrets.scrub(hop.url.origin)}`,
      words: isText ? shortened(secrets.scrub(told.toString())) : '',
      retryAfterMs: retryAfterMs(first(headers['retry-after']), first(headers['date']), clock()),
    })
  }

  return {
    async ask(ask, signal) {
      const late = AbortSignal.timeout(timeoutMs)
      try {
        return await answerTo(ask, AbortSignal.any([signal, late]))
      } catch (error) {
        signal.throwIfAborted()
        if (error instanceof Trouble) throw error
        const why = late.aborted ? `none within ${timeoutMs} ms` : reasonOf(error)
        if (why === undefined) throw error
        const message = `expected a page from ${ask.from}, found ${secrets.scrub(why)}`
        throw new Trouble('PROVIDER_UNAVAILABLE', message, { isShared: true, cause: error })
      }
    },
    destroy: () => dispatcher.destroy(),
  }
}

/** Why there is no answer, as the network has it; undefined where it is a bug. Not every error of HTTP has a code. */
function reasonOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || error instanceof TypeError) return undefined
  const { name, message } = error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : name
  if (/^(UND_)?ERR_INVALID/.test(code)) return undefined
  return `${code}${message === '' ? '' : `: ${message}`}`
}

const isRedirect = (status: number): boolean => [301, 302, 303, 307, 308].includes(status)

const first = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value

const refused = (message: string): Trouble => new Trouble('PROVIDER_REFUSED', message)
