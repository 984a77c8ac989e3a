import { createRandom, type Random } from '../../../lib/random.ts'
import { breakages } from './breakages.ts'
import { lies } from './lies.ts'
import { type Malice, refusals } from './refusals.ts'
import type { Reply } from './reply.ts'
import type { Scene } from './scene.ts'

/** Every kind of malice by its name. */
export const malices: Readonly<Record<string, Malice>> = { ...refusals, ...breakages, ...lies }

/** Chooses what is done to whom. */
export interface Dealer {
  /** What is done to this page now, or undefined where it is left alone. */
  deal(page: string, scene: (random: Random) => Scene): Reply | undefined
  /** How often each was done. */
  readonly dealt: ReadonlyMap<string, number>
}

/** So often in a row a page is treated badly; the next time it is served plainly. */
const MOST_IN_A_ROW = 2
const DECK = 21

/**
 * Deals like a shuffled deck: no kind comes again before all that can be done were done. The same seed and the same
 * requests in the same order give the same answers.
 */
export function createDealer(seed: number, share: number, spared: readonly string[] = []): Dealer {
  const names = Object.keys(malices).filter((name) => !spared.includes(name))
  const dealt = new Map<string, number>()
  const inARow = new Map<string, number>()
  let deck: string[] = []
  let turn = 0

  function shuffled(random: Random): string[] {
    return names
      .map((name) => ({ name, at: random() }))
      .toSorted((a, b) => a.at - b.at)
      .map(({ name }) => name)
  }

  function draw(scene: Scene): Reply | undefined {
    if (deck.length === 0) deck = shuffled(scene.random)
    for (const [n, name] of deck.entries()) {
      const answer = malices[name]?.(scene)
      if (answer === undefined) continue
      deck.splice(n, 1)
      dealt.set(name, (dealt.get(name) ?? 0) + 1)
      return answer
    }
    deck = []
    return undefined
  }

  return {
    dealt,
    deal(page, sceneWith) {
      const random = createRandom(seed, turn++, DECK)
      const before = inARow.get(page) ?? 0
      const isSpared = before === MOST_IN_A_ROW || random() >= share
      const answer = isSpared ? undefined : draw(sceneWith(random))
      inARow.set(page, answer === undefined ? 0 : before + 1)
      return answer
    },
  }
}
