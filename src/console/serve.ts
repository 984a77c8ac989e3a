import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ZodType } from 'zod'
import type { Logger } from '../adapter.ts'
import { HeadwaterError } from '../errors.ts'
import { isTooDeep, MOST_LEVELS } from '../lib/nesting.ts'
import type { Access, Who } from './access.ts'
import { faultOf, type Refusal, refusalOf } from './refused.ts'
import type { Route } from './route.ts'

export const EVENT_STREAM = 'text/event-stream'

/** What is not a page runs nothing, wherever it is opened. */
const NO_PAGE = "default-src 'none'; frame-ancestors 'none'"

/** A token is not longer; who shows none may not make us hold more. */
const MOST_BYTES_OF_ANYBODY = 16 * 1024

export interface ServeOptions {
  readonly routes: readonly Route[]
  readonly access: Access
  readonly logger: Logger
}

/** Answers the routes under their paths: who may not ask is refused before anything is read. */
export function serve(app: FastifyInstance, { routes, access, logger }: ServeOptions): void {
  const NOBODY: Who = { role: 'reader', name: 'nobody' }
  const asking = new WeakMap<FastifyRequest, Who>()

  // Only JSON is read: a form of another page can send the others.
  app.removeContentTypeParser('text/plain')
  app.setErrorHandler((error, request, reply) => {
    // Whoever asked has gone, and what was under way was ended for it: nothing is wrong.
    if (reply.raw.destroyed) return reply.hijack()
    const refusal = error instanceof HeadwaterError ? refusalOf(error) : faultOf(error)
    if (refusal && refusal.status !== 500) return refuse(reply, refusal)
    logger.error({ error, path: request.routeOptions.url }, 'a question to the console failed')
    const message =
      error instanceof HeadwaterError ? error.message : 'something unforeseen; the log says what'
    return refuse(reply, { status: 500, body: { error: message, code: 'UNEXPECTED' } })
  })

  for (const { method, path, access: least, params, query, body, type, handle } of routes) {
    app.route({
      method,
      url: path.replaceAll(/\{(\w+)\}/g, ':$1'),
      ...(least === 'nobody' && { bodyLimit: MOST_BYTES_OF_ANYBODY }),
      // A stream has no end to be told of.
      exposeHeadRoute: type !== EVENT_STREAM,
      onRequest: async (request, reply) => {
        void reply.headers({
          'content-security-policy': NO_PAGE,
          'cache-control': 'no-store',
        })
        if (method !== 'GET') access.refuseForeign(request)
        if (least !== 'nobody') asking.set(request, access.admit(request, least))
      },
      handler: async (request, reply) => {
        const gone = new AbortController()
        reply.raw.once('close', () => gone.abort())
        const answer = await handle({
          params: checked(params, request.params, 'path'),
          query: checked(query, request.query, 'query'),
          body: body && checked(body, shallow(request.body ?? {}), 'body'),
          who: asking.get(request) ?? NOBODY,
          signal: gone.signal,
          request,
          reply,
        })
        if (reply.sent) return reply
        if (answer === undefined) return reply.code(204).send()
        return reply.type(type === 'application/json' ? 'application/json; charset=utf-8' : type).send(answer)
      },
    })
  }
}

function refuse(reply: FastifyReply, { status, body, retryAfterS }: Refusal): FastifyReply {
  if (status === 401) void reply.header('www-authenticate', 'Bearer')
  if (retryAfterS !== undefined) void reply.header('retry-after', retryAfterS)
  return reply.code(status).send(body)
}

/** Throws REQUEST_INVALID for what overflows the stack of whoever looks into it. */
function shallow(body: unknown): unknown {
  if (!isTooDeep(body)) return body
  throw new HeadwaterError(
    'REQUEST_INVALID',
    `body: expected at most ${MOST_LEVELS} levels of lists and objects`,
  )
}

/** Throws REQUEST_INVALID with every problem and its path. */
function checked(schema: ZodType, value: unknown, where: string): unknown {
  const { success, data, error } = schema.safeParse(value)
  if (success) return data
  const problems = error.issues.map(({ path, message }) => `${[where, ...path].join('.')}: ${message}`)
  throw new HeadwaterError('REQUEST_INVALID', problems.join('; '))
}
