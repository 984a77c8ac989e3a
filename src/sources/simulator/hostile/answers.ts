import { below, createRandom, pick, type Random } from '../../../lib/random.ts'
import type { Page, Shape } from '../shapes/shape.ts'
import type { SimulatedReview } from '../writer.ts'
import {
  type Hostility,
  LONGEST_WAIT_SECONDS,
  REQUESTS_PER_WINDOW,
  SHORTEST_WAIT_SECONDS,
  WINDOW_MS,
} from './hostility.ts'
import { createLimits, type Left } from './limits.ts'
import { createDealer, type Dealer } from './malices.ts'
import { waiting } from './refusals.ts'
import type { Reply } from './reply.ts'
import { type Scene, serve } from './scene.ts'
import type { Visit } from './visits.ts'
import { waitForms } from './waits.ts'

/** A request for a page. */
export interface Asked {
  readonly product: string
  readonly page: Page
  readonly visit: Visit
  /** The path and the query. */
  readonly target: string
  readonly takesGzip: boolean
  readonly now: number
}

/** What is answered to whom. */
export interface Answers {
  to(asked: Asked, isKind: boolean): Reply
  readonly dealt: Dealer['dealt']
}

export interface AnswersOptions {
  readonly hostility: Hostility
  readonly shape: Shape
  readonly listing: (product: string, number: number) => Page
  /** Reviews of any product but this. */
  readonly strangersTo: (product: string) => readonly SimulatedReview[]
  /** The origin of another host, once it is there. */
  readonly elsewhere: () => string
}

/** Keep apart what is drawn. */
const LIMITS = 31
const PLAIN = 32

const [FIRST_FORM = '', ...OTHER_FORMS] = Object.keys(waitForms)

export function createAnswers({
  hostility: { seed, pace, malice, spared },
  shape,
  listing,
  strangersTo,
  elsewhere,
}: AnswersOptions): Answers {
  const dealer = createDealer(seed, malice, spared)
  const limits = createLimits(REQUESTS_PER_WINDOW, WINDOW_MS * pace, createRandom(seed, LIMITS))
  let requests = 0

  function sceneOf({ product, page, visit, target, takesGzip, now }: Asked, random: Random): Scene {
    return {
      random,
      shape,
      page,
      pageAt: (number) => listing(product, number),
      strangers: strangersTo(product),
      target,
      elsewhere: elsewhere(),
      now,
      seconds: secondsAt(pace, random),
      secondMs: 1_000 * pace,
      takesGzip,
      entrap(trap) {
        visit.trap = trap
      },
    }
  }

  function pageFor(asked: Asked, scene: Scene, isKind: boolean): Reply {
    const { visit, page, product } = asked
    if (visit.trap) return serve(scene, visit.trap(page, scene.pageAt))
    const bad = isKind
      ? undefined
      : dealer.deal(`${product} ${page.number}`, (random) => sceneOf(asked, random))
    return bad ?? serve(scene, page, { isClean: true })
  }

  return {
    dealt: dealer.dealt,
    to(asked, isKind) {
      const left = limits.take(asked.now)
      const scene = sceneOf(asked, createRandom(seed, requests++, PLAIN))
      if (left.isOver) return oneTooMany(scene, left)
      const answer = pageFor(asked, scene, isKind)
      return answer.status === 200 ? withAllowance(answer, left) : answer
    },
  }
}

function secondsAt(pace: number, random: Random): number {
  const seconds = SHORTEST_WAIT_SECONDS + below(random, LONGEST_WAIT_SECONDS - SHORTEST_WAIT_SECONDS + 1)
  return Math.max(1, Math.round(seconds * pace))
}

function oneTooMany(scene: Scene, { resetMs }: Left): Reply {
  const form = pick(scene.random, [FIRST_FORM, ...OTHER_FORMS])
  return waiting({ ...scene, seconds: Math.ceil(resetMs / 1_000) }, 429, form, 'everybody')
}

/** Where nothing is left, the page asks to wait, as a 429 would. */
function withAllowance(answer: Reply, { headers, remaining, resetMs }: Left): Reply {
  const told = { ...answer, headers: { ...headers, ...answer.headers } }
  if (remaining > 0) return told
  return { ...told, wait: { ms: resetMs, scope: 'everybody', told: JSON.stringify(headers) } }
}
