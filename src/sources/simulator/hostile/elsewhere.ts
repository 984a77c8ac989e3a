import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createRandom } from '../../../lib/random.ts'
import type { Page, Shape } from '../shapes/shape.ts'
import { reply } from './reply.ts'
import { serve } from './scene.ts'
import { send } from './send.ts'
import type { Truth } from './truth.ts'
import type { Violation, Watch } from './watch.ts'

/** What the other host shares with the one that sends there. */
export interface Elsewhere {
  readonly shape: Shape
  readonly pageSize: number
  readonly listing: (product: string, number: number) => Page
  readonly truth: Truth
  /** Of the waits that were asked for by those who were sent there. */
  readonly watch: Watch
  readonly clock: () => number
  readonly note: (violation: Violation | undefined) => void
}

const SECRET_HEADERS = ['authorization', 'proxy-authorization', 'cookie', 'x-api-key']
const SECRET_PARAMETERS = ['api_key', 'apikey', 'key', 'passkey', 'token', 'access_token']

/** Another host, which must not get to see what is secret. It has the same pages, and is honest. */
export function createElsewhere({ shape, pageSize, listing, truth, watch, clock, note }: Elsewhere): Server {
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { searchParams, pathname } = new URL(request.url ?? '', 'http://elsewhere')
    const product = shape.productOf(searchParams)
    const now = clock()
    if (pathname !== shape.path || product === undefined) return void (await send(response, reply(404), now))
    note(watch.arrive(product, now))
    const secrets = [
      ...SECRET_HEADERS.filter((name) => request.headers[name] !== undefined),
      ...SECRET_PARAMETERS.filter((name) => searchParams.has(name)),
    ]
    if (secrets.length > 0) {
      const message = `${secrets.join(', ')} came to another host`
      note({ kind: 'credentials', at: now, product, message })
    }
    const page = listing(product, shape.pageOf(searchParams, pageSize))
    const answered = serve({ shape, random: createRandom(now), takesGzip: false }, page, { isClean: true })
    if (await send(response, answered, now)) truth.note(answered.sightings, answered.isClean)
  }

  return createServer((request, response) => void answer(request, response))
}
