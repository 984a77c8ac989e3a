import { below } from '../../../lib/random.ts'
import { drifts } from './drifts.ts'
import { reply } from './reply.ts'
import type { Malice } from './refusals.ts'
import { serve, type Trap } from './scene.ts'

const CAPTCHA =
  '<!DOCTYPE html><html><head><title>Robot Check</title></head><body><form action="/errors/validateCaptcha">' +
  'Type the characters you see in this image</form></body></html>'
const LOGIN =
  '<!DOCTYPE html><html><head><title>Sign-In</title></head><body><form name="signIn" action="/ap/signin">' +
  '<input type="email"><input type="password"></form></body></html>'

/** Pages 1 and 2 in turns for ever, each of which says that more follow. */
const roundabout: Trap = (page, pageAt) => ({
  ...page,
  reviews: pageAt(1 + ((page.number - 1) % 2)).reviews,
  pages: page.pages + 50,
  next: page.number + 1,
})

/** Whatever page is asked for, it is the first. */
const firstForAll: Trap = (page, pageAt) => ({
  ...page,
  reviews: pageAt(1).reviews,
  next: page.number + 1,
})

/** The next page is one that came before. */
const backwards: Trap = (page) => ({ ...page, next: Math.max(2, page.number - 1) })

const drifting: Readonly<Record<string, Malice>> = Object.fromEntries(
  Object.entries(drifts).map(([name, drift]) => [
    `drift: ${name}`,
    (scene) => serve(scene, scene.page, { drift }),
  ]),
)

/** What comes with status 200 and is not what was asked for. */
export const lies: Readonly<Record<string, Malice>> = {
  ...drifting,
  captcha: () => reply(200, CAPTCHA),
  'login page': () => reply(200, LOGIN),
  'an error with status 200': ({ shape }) => reply(200, shape.failure),
  'an empty body': () => reply(200),
  'a page without reviews': (scene) => serve(scene, { ...scene.page, reviews: [], next: undefined }),
  'sudden emptiness': (scene) =>
    serve(scene, { ...scene.page, reviews: [], next: undefined, pages: 0, total: 0 }),
  'half a page': (scene) => {
    const { page } = scene
    return serve(scene, { ...page, reviews: page.reviews.slice(0, Math.ceil(page.reviews.length / 2)) })
  },
  'the first page under another number': (scene) =>
    scene.page.number === 1 ? undefined : serve(scene, { ...scene.page, reviews: scene.pageAt(1).reviews }),
  'the first page under all numbers': (scene) => entrapped(scene, firstForAll),
  'a roundabout of two pages': (scene) => entrapped(scene, roundabout),
  'a next page that came before': (scene) => entrapped(scene, backwards),
  'a total that is too small': (scene) =>
    serve(scene, { ...scene.page, pages: 1, total: 1, next: undefined }),
  'a total that is too large': (scene) => {
    const more = 1 + below(scene.random, 3)
    const { pages, total, size } = scene.page
    return serve(scene, { ...scene.page, pages: pages + more, total: total + more * size })
  },
  'the same review twice': (scene) => {
    const { reviews } = scene.page
    return serve(scene, { ...scene.page, reviews: [...reviews, ...reviews.slice(0, 3)] }, { isClean: true })
  },
  'reviews of another product': (scene) =>
    serve(scene, { ...scene.page, reviews: [...scene.page.reviews, ...scene.strangers] }),
}

/** Only where there are pages to go round. */
function entrapped(scene: Parameters<Malice>[0], trap: Trap): ReturnType<Malice> {
  const { page, pageAt } = scene
  if (page.number === 1 || page.number > page.pages) return undefined
  scene.entrap(trap)
  return serve(scene, trap(page, pageAt))
}
