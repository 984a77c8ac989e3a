import { below } from '../../../lib/random.ts'
import { type Delivery, type Reply, reply } from './reply.ts'
import type { Malice } from './refusals.ts'
import { type Scene, serve, zipped } from './scene.ts'

/** The true page, which does not arrive. */
const broken = (page: Reply): Reply => ({ ...page, sightings: [], isClean: false })

const plainly = (scene: Scene): Reply => serve({ ...scene, takesGzip: false }, scene.page)

const somewhere = ({ random }: Scene, { body }: Reply): number =>
  1 + below(random, Math.max(1, body.length - 1))

const delivered = (scene: Scene, how: (after: number) => Delivery): Reply => {
  const page = broken(plainly(scene))
  return { ...page, delivery: how(somewhere(scene, page)) }
}

const STALL_SECONDS = 60
const DRIP_SECONDS = 8
/** More than a poller takes unless it is told to; in gzip it is a few kilobytes. */
const BOMB_BYTES = 20 * 2 ** 20

/** Pages that break on their way. */
export const breakages: Readonly<Record<string, Malice>> = {
  'reset in the middle of the body': (scene) => delivered(scene, (after) => ({ kind: 'reset', after })),
  'stall in the middle of the body': (scene) =>
    delivered(scene, (after) => ({ kind: 'stall', after, ms: STALL_SECONDS * scene.secondMs })),
  'slow drip': (scene) => ({
    ...serve(scene, scene.page, { isClean: true }),
    delivery: { kind: 'drip', pieces: 40, ms: DRIP_SECONDS * scene.secondMs },
  }),
  'truncated gzip': (scene) => {
    if (!scene.takesGzip) return undefined
    const page = broken(zipped(plainly(scene)))
    return { ...page, body: page.body.subarray(0, somewhere(scene, page)) }
  },
  'a bomb of gzip': ({ takesGzip }) =>
    takesGzip ? zipped(reply(200, Buffer.alloc(BOMB_BYTES, ' '))) : undefined,
  'Content-Length of more than there is': (scene) => {
    const page = broken(plainly(scene))
    return lying(page, page.body.length + 1 + below(scene.random, 5_000))
  },
  'Content-Length of less than there is': (scene) => {
    const page = broken(plainly(scene))
    return lying(page, somewhere(scene, page))
  },
  'invalid UTF-8': (scene) => {
    const page = plainly(scene)
    const [spoiled, ...rest] = page.sightings
    const at = spoiled === undefined ? -1 : page.body.indexOf(spoiled.reviewId)
    if (at === -1) return undefined
    page.body[at] = 0xff
    return { ...page, sightings: rest }
  },
}

const lying = (page: Reply, length: number): Reply => ({
  ...page,
  headers: { ...page.headers, 'content-length': String(length) },
})
