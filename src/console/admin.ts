import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { createLimitedServer, type ServerLimits } from '../lib/limited-server.ts'
import { written } from '../telemetry/alerts/alert.ts'
import type { ApiParts } from './api/parts.ts'
import { openApi } from './api.ts'
import { type Page, servePage } from './page.ts'
import { SAFE_HEADERS } from './safe-headers.ts'
import { serve } from './serve.ts'

export interface Admin extends ApiParts {
  /** The built page; without it the address tells what there is in plain text. */
  readonly page: Page | undefined
}

/** What there is, for a person who opens the address in a browser. */
const PLACES = `Headwater, for operators

/health/live     whether the loops turn
/health/ready    whether work can be accepted
/health/sources  how each source is
/health/alerts   what needs a look
/metrics         for Prometheus
/api             what programs may ask and do, as OpenAPI
`

/** Many more than operators and what watches a system need, also where every page listens. */
const LIMITS: ServerLimits = { requestTimeoutMs: 30_000, maxConnections: 500 }

/** What is no address of the page. */
const NOT_PAGES = /^\/(?:api|health|metrics|assets)(?:\/|$)/

/** The listener for operators: the console, its API, and what `PLACES` tells. Not listening yet. */
export function openAdmin(parts: Admin): FastifyInstance {
  const { health, metrics, polling, look, alerts, access, page, logger } = parts
  const api = openApi(parts)
  const app = fastify({
    forceCloseConnections: true,
    serverFactory: (handle) => createLimitedServer(LIMITS, handle),
  })
  app.addHook('onClose', () => api[Symbol.dispose]())
  app.addHook('onRequest', async (_, reply) => void reply.headers(SAFE_HEADERS))
  serve(app, { routes: api.routes, access, logger })
  const sendPage = page && servePage(app, page)
  if (!page) app.get('/', (_, reply) => reply.type('text/plain; charset=utf-8').send(PLACES))
  app.setNotFoundHandler((request, reply) => {
    if (sendPage && isForPeople(request)) return sendPage(reply)
    const error = `nothing is here for a ${request.method}; / and /api tell what there is`
    return reply.code(404).send({ error, code: 'NOT_FOUND' })
  })
  app.get('/health/live', (_, reply) => {
    const found = health.live()
    return reply.code(found.ok ? 200 : 503).send(found)
  })
  app.get('/health/ready', async (_, reply) => {
    const found = await health.ready()
    return reply.code(found.ok ? 200 : 503).send(found)
  })
  app.register(async (guarded) => {
    guarded.addHook('onRequest', async (request) => void access.admit(request, 'reader'))
    guarded.get('/health/sources', () =>
      health.sources().map((source) => ({ ...source, polling: polling(source.name) })),
    )
    guarded.get('/health/alerts', () => alerts.firing().map(written))
    guarded.get('/metrics', async (_, reply) => {
      await look()
      return reply.type(metrics.contentType).send(await metrics.text())
    })
  })
  return app
}

/** An address that a person opened or was given: of the page, whichever of its places it is. */
function isForPeople({ method, url, headers: { accept = '' } }: FastifyRequest): boolean {
  const [path = ''] = url.split('?', 1)
  return (method === 'GET' || method === 'HEAD') && accept.includes('text/html') && !NOT_PAGES.test(path)
}
