import { hash, timingSafeEqual } from 'node:crypto'
import fastify, { type FastifyInstance } from 'fastify'
import type { Polling } from '../sources/source.ts'
import { type Alerts, written } from '../telemetry/alerts/alert.ts'
import type { Health } from '../telemetry/health.ts'
import type { Metrics } from '../telemetry/metrics.ts'

export interface Admin {
  readonly health: Health
  readonly metrics: Metrics
  /** How a source keeps up with its provider; undefined where it does not poll. */
  readonly polling: (source: string) => Polling | undefined
  /** Looked at before the metrics are written: what nobody counts as it happens. */
  readonly refresh: () => Promise<unknown>
  readonly alerts: Pick<Alerts, 'firing'>
  /** Asked of everyone where it is set, as `Authorization: Bearer …`; health is told to all. */
  readonly token?: string | undefined
}

/** What there is, for a person who opens the address in a browser. */
const PLACES = `Headwater, for operators

/health/live     whether the loops turn
/health/ready    whether work can be accepted
/health/sources  how each source is
/health/alerts   what needs a look
/metrics         for Prometheus
`

/** The listener for operators: what `PLACES` tells, which is also at `/`. Not listening yet. */
export function openAdmin({ health, metrics, polling, refresh, alerts, token }: Admin): FastifyInstance {
  const app = fastify({ forceCloseConnections: true })
  app.get('/', (_, reply) => reply.type('text/plain; charset=utf-8').send(PLACES))
  app.setNotFoundHandler((_, reply) =>
    reply.code(404).send({ error: 'nothing is here; / tells what there is' }),
  )
  app.get('/health/live', (_, reply) => {
    const found = health.live()
    return reply.code(found.ok ? 200 : 503).send(found)
  })
  app.get('/health/ready', async (_, reply) => {
    const found = await health.ready()
    return reply.code(found.ok ? 200 : 503).send(found)
  })
  app.register(async (guarded) => {
    guarded.addHook('onRequest', async ({ headers: { authorization } }, reply) => {
      if (token === undefined || isSame(authorization, `Bearer ${token}`)) return
      return reply
        .code(401)
        .header('www-authenticate', 'Bearer')
        .send({ error: 'expected the token of admin.token' })
    })
    guarded.get('/health/sources', () =>
      health.sources().map((source) => ({ ...source, polling: polling(source.name) })),
    )
    guarded.get('/health/alerts', () => alerts.firing().map(written))
    guarded.get('/metrics', async (_, reply) => {
      await refresh()
      return reply.type(metrics.contentType).send(await metrics.text())
    })
  })
  return app
}

/** Compares digests, which have one length whatever was sent. */
function isSame(given: string | undefined, expected: string): boolean {
  const digest = (text: string): Buffer => hash('sha256', text, 'buffer')
  return given !== undefined && timingSafeEqual(digest(given), digest(expected))
}
