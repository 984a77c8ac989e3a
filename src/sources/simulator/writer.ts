import { below, createRandom, pick, type Random, sample } from '../../lib/random.ts'
import type { Language, List, Share, Stars } from './language.ts'
import { brands, emoji, firstNames, languages, things } from './words.ts'

/** A review as the simulated provider sends it: the canonical shape, with the fields in this order. */
export interface SimulatedReview {
  readonly review_id: string
  readonly product_id: string
  readonly user_id: string
  readonly reviewer_name?: string
  readonly title: string
  readonly review_text: string
  readonly rating: number
  readonly review_timestamp: string
  readonly verified_purchase: boolean
  readonly helpful_votes: number
}

/** A review, and what its author needs to go on writing. */
export interface Draft {
  readonly review: SimulatedReview
  readonly stars: Stars
  readonly language: Language
  readonly product: Product
}

/** What the writer is told; the rest is chance. */
export interface Assignment {
  readonly seed: number
  readonly products: number
  readonly reviewId: string
  /** Milliseconds since 1970; the review was written within the hour before. */
  readonly seenAt: number
}

interface Product {
  readonly id: string
  readonly name: string
  readonly thing: string
}

/** How often a number of stars is given. */
const RATINGS: List<Share<Stars>> = [
  [5, 0.55],
  [4, 0.18],
  [3, 0.09],
  [2, 0.06],
  [1, 0.12],
]
const REVIEWERS = 1_000_000
const HOUR_MS = 3_600_000
/** Keep the third product and the third reviewer of a seed apart. */
const PRODUCT = 1
const REVIEWER = 2

/** Writes what one person thinks of one product. */
export function write(random: Random, { seed, products, reviewId, seenAt }: Assignment): Draft {
  const product = describeProduct(seed, popular(random, products))
  const reviewer = describeReviewer(seed, below(random, REVIEWERS))
  const language = share(random, languages)
  const stars = share(random, RATINGS)
  const days = 2 + below(random, 400)
  const review = {
    review_id: reviewId,
    product_id: product.id,
    ...reviewer,
    title: fill(pick(random, language.tones[stars].titles), product, days),
    review_text: fill(compose(random, language, stars), product, days),
    rating: stars,
    review_timestamp: new Date(seenAt - below(random, HOUR_MS)).toISOString(),
    verified_purchase: random() < 0.85,
    helpful_votes: Math.floor(random() ** 6 * 120),
  }
  return { review, stars, language, product }
}

/** The same review after its author added to the text; half of them change the stars as well. */
export function revise(random: Random, draft: Draft, days: number): SimulatedReview {
  const { review, language, product } = draft
  const stars = random() < 0.5 ? share(random, RATINGS) : draft.stars
  const update = `${language.update}${language.space}${pick(random, language.tones[stars].sentences)}`
  return { ...review, review_text: `${review.review_text}\n\n${fill(update, product, days)}`, rating: stars }
}

/** A few sentences; one review in fifty is an essay, whose author sees several sides. */
function compose(random: Random, language: Language, stars: Stars): string {
  const paragraph = (tone: Stars): string =>
    sample(random, language.tones[tone].sentences, 2 + below(random, 9)).join(language.space)
  const paragraphs = [paragraph(stars)]
  if (random() < 0.02) {
    for (let more = 4 + below(random, 12); more > 0; more--)
      paragraphs.push(paragraph(share(random, RATINGS)))
  }
  const text = paragraphs.join('\n\n')
  return random() < 0.1 ? `${text} ${pick(random, emoji[stars])}` : text
}

function describeProduct(seed: number, number: number): Product {
  const random = createRandom(seed, number, PRODUCT)
  const model = `${pick(random, ['K', 'One', 'Pro', 'Mini', 'XL'])} ${1 + below(random, 9)}`
  const name = `${pick(random, brands)} ${model}`
  return { id: `B0${code(random, 8)}`, name, thing: pick(random, things) }
}

function describeReviewer(seed: number, number: number): { user_id: string; reviewer_name?: string } {
  const random = createRandom(seed, number, REVIEWER)
  const user_id = `A${code(random, 13)}`
  if (random() < 0.08) return { user_id }
  return { user_id, reviewer_name: `${pick(random, firstNames)} ${code(random, 1, LETTERS)}.` }
}

/** The first product is reviewed about twice as often as the second, and a hundred times as often as the hundredth. */
function popular(random: Random, products: number): number {
  return Math.floor((products + 1) ** random()) - 1
}

/** One of several whose shares add up to 1. */
function share<T>(random: Random, shares: List<Share<T>>): T {
  let rest = random()
  const [value] = shares.find(([, portion]) => (rest -= portion) < 0) ?? shares[0]
  return value
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const LETTERS_AND_DIGITS = `0123456789${LETTERS}`

function code(random: Random, length: number, signs = LETTERS_AND_DIGITS): string {
  let text = ''
  while (text.length < length) text += signs[below(random, signs.length)]
  return text
}

function fill(text: string, { name, thing }: Product, days: number): string {
  return text.replaceAll('{product}', name).replaceAll('{thing}', thing).replaceAll('{days}', String(days))
}
