import { type Reply, reply, type Scope } from './reply.ts'
import type { Scene } from './scene.ts'
import { waitForms } from './waits.ts'

/** A kind of malice: what it answers, or undefined where it can't be done to this page. */
export type Malice = (scene: Scene) => Reply | undefined

type Malices = Readonly<Record<string, Malice>>

const TOO_MANY = { error: { type: 'rate-limit-exceeded', message: 'You have exceeded the rate limit' } }
const NONSENSE = {
  'retry-after': 'soon',
  ratelimit: '"burst";r=;t=-5,,',
  'ratelimit-policy': '???',
  'x-ratelimit-remaining': 'none',
  'x-ratelimit-reset': 'tomorrow',
}
const HTML_ERROR = '<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>'

/** An answer that asks to wait. */
export function waiting(scene: Scene, status: number, form: string, scope: Scope, body: object = {}): Reply {
  const { now, seconds } = scene
  const headers = waitForms[form]?.({ now, seconds }) ?? {}
  return { ...reply(status, body, headers), wait: { ms: seconds * 1_000, scope, told: `${status} ${form}` } }
}

const SECONDS = 'Retry-After in seconds'

/** Each way to be told to ask less. */
const limited: Malices = Object.fromEntries(
  Object.keys(waitForms).map((form) => [
    `429, ${form}`,
    (scene: Scene) => waiting(scene, 429, form, 'everybody', TOO_MANY),
  ]),
)

/** Answers that hold no page and don't pretend to. */
export const refusals: Malices = {
  ...limited,
  '429 that asks for no wait': () => reply(429, TOO_MANY),
  '429 with nonsense in every header': () => reply(429, TOO_MANY, NONSENSE),
  '402, the quota is spent for a while': (scene) =>
    waiting(scene, 402, SECONDS, 'everybody', { message: 'Quota exceeded' }),
  '202, not ready yet': (scene) => waiting(scene, 202, SECONDS, 'product', { status: 'running' }),
  '503 with Retry-After': (scene) => waiting(scene, 503, 'Retry-After as a date', 'everybody'),
  '500': () => reply(500, { message: 'internal error' }),
  '502': () => reply(502, HTML_ERROR),
  '504': () => reply(504),
  'redirect to itself': ({ target }) => reply(302, '', { location: target }),
  'redirect to another host': ({ elsewhere, target }) =>
    reply(302, '', { location: `${elsewhere}${target}` }),
  'redirect to another host, after a while': (scene) => {
    const told = waiting(scene, 307, SECONDS, 'product')
    return { ...told, headers: { ...told.headers, location: `${scene.elsewhere}${scene.target}` } }
  },
}
