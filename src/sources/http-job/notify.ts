import type { IncomingMessage, ServerResponse } from 'node:http'
import { HeadwaterError } from '../../errors.ts'
import { answer } from '../../lib/answer.ts'
import type { SourceContext } from '../source.ts'
import { encodingOf, inflate, readBody } from '../webhook/body.ts'
import { createBudget } from '../webhook/budget.ts'
import { refusalOf, refuse, verifyOf } from '../webhook/index.ts'
import { Refused } from '../webhook/refused.ts'
import { createRefusals } from '../webhook/refusals.ts'
import { schemeOf } from '../webhook/verify.ts'
import { jsonOf, linksAt, type Pointers, textAt, wordIn } from './answers.ts'
import type { Notify } from './config.ts'
import type { Hearing } from './hearing.ts'
import type { News } from './slot.ts'
import { isId } from './trigger.ts'

/** A notification only names a job: one that is larger is something else. */
const MAX_BODY_BYTES = 2 ** 20
const MAX_BYTES_UNDER_WAY = 64 * 2 ** 20

/** Has the provider tell of its jobs at a path. It is answered once what it told is durable. Throws where the path is taken. */
export function addNotifications(
  notify: Notify,
  links: Pointers | undefined,
  { hear }: Pick<Hearing, 'hear'>,
  context: SourceContext,
  disposed: AbortSignal,
): void {
  const { name, logger, clock, http } = context
  const path = notify.path ?? `/hooks/${name}`
  const scheme = schemeOf(verifyOf(notify, context))
  const budget = createBudget(MAX_BYTES_UNDER_WAY)
  const tell = createRefusals(name, logger, clock)

  async function read(request: IncomingMessage, response: ServerResponse): Promise<News> {
    using share = budget.open()
    const claim = scheme.claim(request, clock())
    const encoding = encodingOf(request.headers['content-encoding'])
    if (request.headers.expect !== undefined) response.writeContinue()
    const sent = await readBody(request, MAX_BODY_BYTES, share)
    const body = encoding === undefined ? sent : await inflate(sent, encoding, MAX_BODY_BYTES, share)
    if (!claim.isProvenBy(sent) && !claim.isProvenBy(body))
      throw new Refused(401, 'no signature of the notification matches its body')
    return newsIn(request.url ?? '', body)
  }

  function newsIn(url: string, body: Buffer): News {
    const query = new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?')) : '')
    const text = jsonOf(body)
    const named = notify.param === undefined ? undefined : (query.get(notify.param) ?? undefined)
    const job =
      named ?? (text === undefined || notify.job === undefined ? undefined : textAt(text, notify.job))
    if (job === undefined || !isId(job))
      throw new Refused(400, 'expected the id of a job where notify has it')
    const told = text === undefined ? undefined : wordIn(text, notify)
    const word = notify.status === undefined ? 'done' : (told ?? 'other')
    return { job, word, body, links: text === undefined ? undefined : linksIn(text) }
  }

  function linksIn(text: string): readonly string[] | undefined {
    try {
      return links === undefined ? undefined : linksAt(text, links)
    } catch (cause) {
      throw new Refused(400, 'expected a list of URLs where download.links has it', { cause })
    }
  }

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const news = await read(request, response)
      if (disposed.aborted) throw new Refused(503, 'this source is stopping')
      const heard = await hear(news)
      if (heard === 'too early') throw new Refused(503, 'a job is being begun; try again later')
      if (heard === 'taken') answer(response, 202, { job: news.job })
      else answer(response, 404, { error: 'no job of this source has this id' })
      if (heard === 'unknown')
        logger.warn({ source: name, job: news.job }, 'a notification of an unknown job')
    } catch (error) {
      const refused = refusalOf(error, context)
      tell(refused)
      refuse(response, refused, disposed.aborted)
    }
  }

  const isAdded = http.add(path, (request, response) => {
    if (request.method === 'POST' || (request.method === 'GET' && notify.param !== undefined)) {
      void receive(request, response)
    } else
      answer(response, 405, { error: `expected a POST; received a ${request.method}` }, { allow: 'POST' })
  })
  if (!isAdded)
    throw new HeadwaterError('CONFIG_INVALID', `source ${name}: another source has the path ${path}`)
}
