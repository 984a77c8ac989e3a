import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { pageOf } from '../listing.ts'
import { shapes } from '../shapes/index.ts'
import type { Page, Shape } from '../shapes/shape.ts'
import { type Asked, createAnswers } from './answers.ts'
import { createElsewhere } from './elsewhere.ts'
import type { Hostility } from './hostility.ts'
import { type Reply, reply } from './reply.ts'
import { send } from './send.ts'
import { createTruth, type TrueReview } from './truth.ts'
import { createVisit, follow, isComplete } from './visits.ts'
import { createWatch, type Violation } from './watch.ts'
import { createWorld } from './world.ts'

export interface State {
  readonly isKind: boolean
  readonly requests: number
  readonly products: readonly ProductState[]
  /** How often each malice was done. */
  readonly malices: Readonly<Record<string, number>>
}

/** What a poller has come to know of a product since the provider turned kind; all false before. */
export interface ProductState {
  readonly product_id: string
  /** Whether it has asked for it again. */
  readonly isAsked: boolean
  /** Whether everything that there is was on a page without fault at some time. */
  readonly isShown: boolean
  /** Whether it has read all pages once more. */
  readonly isComplete: boolean
}

/** A provider of seeded malice, not listening yet. The same requests in the same order get the same answers. */
export interface HostileProvider extends AsyncDisposable {
  /** Resolves to the URL. Rejects with the error of the socket. */
  listen(address: { readonly host: string; readonly port: number }): Promise<string>
  /** Every content of every review that was sent as a whole. */
  truth(): readonly TrueReview[]
  violations(): readonly Violation[]
  state(): State
  /** A client was killed: what it was told in the last second may not have been kept, and is not counted against it. */
  forgive(): void
  /** From now on everything is served plainly, and nothing changes any more. Limits hold. */
  turnKind(): void
}

/** So soon it is noticed that a client has closed a connection. */
const NOTICED_MS = 20
/** Whoever is killed had so long to keep what it was told. */
const KEPT_MS = 1_000
/** In four crawls everything has changed that is going to. */
const CRAWLS = 4

export function createHostileProvider(hostility: Hostility, clock: () => number = Date.now): HostileProvider {
  const { pageSize, reviews, requestsAtOnce = 1, kindAfter = Infinity } = hostility
  const shape: Shape = shapes[hostility.shape]
  const changesUntil = Math.ceil(0.9 * Math.min(kindAfter, (CRAWLS * reviews) / pageSize))
  const world = createWorld({ ...hostility, changesUntil })
  const truth = createTruth(shape, world)
  const visits = new Map(world.products.map((product) => [product, createVisit()]))
  const violations: Violation[] = []
  const watch = createWatch(requestsAtOnce)
  const watchElsewhere = createWatch(requestsAtOnce)
  const elsewhere = createElsewhere({ shape, pageSize, listing, truth, watch: watchElsewhere, clock, note })
  const server = createServer((request, response) => void answer(request, response))
  const answers = createAnswers({
    hostility,
    shape,
    listing,
    strangersTo: (product) =>
      world.reviewsOf(world.products.find((other) => other !== product) ?? product).slice(0, 3),
    elsewhere: () => originOf(elsewhere),
  })
  let requests = 0
  let isKind = false

  function listing(product: string, number: number): Page {
    return pageOf(world.reviewsOf(product), product, number, pageSize)
  }

  function note(violation: Violation | undefined): void {
    if (violation) violations.push(violation)
  }

  function turnKind(): void {
    isKind = true
    world.finish()
    for (const visit of visits.values()) visit.trap = undefined
  }

  function forgive(): void {
    for (const one of [watch, watchElsewhere]) one.forget(clock() - KEPT_MS)
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, search, searchParams } = new URL(request.url ?? '', 'http://provider')
    const product = shape.productOf(searchParams) ?? ''
    const visit = visits.get(product)
    if (pathname !== shape.path || visit === undefined) {
      return void (await send(response, aside(request.method, pathname), clock()))
    }
    const now = clock()
    requests++
    if (requests > kindAfter && !isKind) turnKind()
    if (!isKind) world.advanceTo(requests)
    note(watch.arrive(product, now))
    const others = visit.underWay++
    response.once('close', () => visit.underWay--)
    if (others > 0) {
      await delay(NOTICED_MS)
      if (visit.underWay > 1) note({ kind: 'overlap', at: now, product, message: OVERLAP })
    }
    const page = listing(product, shape.pageOf(searchParams, pageSize))
    note(follow(visit, page, now))
    const takesGzip = /\bgzip\b/.test(String(request.headers['accept-encoding']))
    const asked = { product, page, visit, target: pathname + search, takesGzip, now }
    await deliver(response, asked, answers.to(asked, isKind))
  }

  async function deliver(response: ServerResponse, { product, page, visit }: Asked, answer: Reply) {
    const { status, headers, delivery, wait, sightings, isClean } = answer
    const now = clock()
    // Whoever is cut off may not have seen the headers.
    if (wait && (delivery.kind === 'whole' || delivery.kind === 'drip')) {
      watch.tell(wait, product, now)
      if (headers['location'] !== undefined) watchElsewhere.tell(wait, product, now)
    }
    const isKindly = isKind && isClean
    if (!(await send(response, answer, now))) return
    truth.note(sightings, isClean)
    if (status === 200) visit.sent++
    if (isKindly) visit.kindly.add(page.number)
  }

  /** What can be known of it beside the reviews: no key is needed, and no limit counts it. */
  function aside(method: string | undefined, path: string): Reply {
    if (method === 'POST' && path === '/kind') turnKind()
    if (method === 'POST' && path === '/forgive') forgive()
    switch (path) {
      case '/products':
        return reply(
          200,
          world.products.map((id) => ({ product_id: id, reviews: world.reviewsOf(id).length })),
        )
      case '/truth':
        return reply(200, truth.all())
      case '/violations':
        return reply(200, violations)
      case '/state':
      case '/kind':
      case '/forgive':
        return reply(200, state())
      default:
        return reply(404, { message: 'there is nothing here, or no such product' })
    }
  }

  function state(): State {
    const products = [...visits].map(([product, visit]): ProductState => {
      visit.isShown ||= isKind && world.reviewsOf(product).every((review) => truth.isShown(review))
      return {
        product_id: product,
        isAsked: visit.kindly.has(1),
        isShown: visit.isShown,
        isComplete: isKind && isComplete(visit, listing(product, 1)),
      }
    })
    return { isKind, requests, products, malices: Object.fromEntries(answers.dealt) }
  }

  return {
    async listen({ host, port }) {
      await once(server.listen({ host, port }), 'listening')
      await once(elsewhere.listen({ host, port: 0 }), 'listening')
      return originOf(server)
    },
    truth: () => truth.all(),
    violations: () => [...violations],
    state,
    forgive,
    turnKind,
    async [Symbol.asyncDispose]() {
      await Promise.all([server, elsewhere].filter(({ listening }) => listening).map(close))
    },
  }
}

const OVERLAP = 'asked for a page while another request for the same product was under way'

function originOf(server: Server): string {
  const { address, port } = server.address() as AddressInfo
  return `http://${address}:${port}`
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}
