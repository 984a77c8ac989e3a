import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { rainforest } from '../../src/sources/simulator/shapes/rainforest.ts'
import { digestOf, type TrueReview } from '../../src/sources/simulator/hostile/truth.ts'
import type { Row } from '../support/pipeline.ts'
import { type Outcome, runHostile } from './hostile.ts'
import { compare, NOTHING_WRONG, owedOf } from './hostile-difference.ts'

/** Of twenty products with 5,000 reviews each. npm run test:long tries ten, and more kills and replicas. */
const SEEDS = Number(process.env['HEADWATER_HOSTILE_SEEDS'] ?? 2)
const SHAPES = ['rainforest', 'canonical', 'bazaarvoice'] as const

function assertRight(outcome: Outcome): void {
  const { lost, invented, doubled, condemned, buried, violations, state, stderr } = outcome
  assert.deepEqual({ lost, invented, doubled, condemned, buried }, NOTHING_WRONG, stderr)
  const first = violations.slice(0, 5).map(({ kind, message }) => `${kind}: ${message}`)
  assert.equal(violations.length, 0, `${violations.length} violations, such as\n${first.join('\n')}`)
  const isRead = state.products.every(({ isAsked, isShown }) => isAsked && isShown)
  assert.ok(isRead, `not everything was read once it was kind\n${stderr}`)
}

/** Every so many requests a poller is killed. */
const KILL_EVERY = 40
const IS_LONG = SEEDS > 2
/** In the first one a product is in a trap while each of its processes is killed. */
const KILLED_SEEDS = IS_LONG ? [20, 21, 22, 23, 24] : [20]

const shapeOf = (seed: number): (typeof SHAPES)[number] => SHAPES[(seed - 1) % SHAPES.length] ?? 'rainforest'

/** Each has a provider and a process of its own, which wait for the most part. */
describe('a poller of a hostile provider', { concurrency: !IS_LONG }, () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const shape = shapeOf(seed)
    test(`stores every review once per version and asks for no more than it may (seed ${seed}, ${shape})`, async () => {
      const outcome = await runHostile({ seed, shape })
      assert.ok(outcome.owed > 4_900)
      assertRight(outcome)
    })
  }
})

describe('a poller of a hostile provider, killed or shared', () => {
  for (const seed of KILLED_SEEDS) {
    const shape = shapeOf(seed)
    test(`does as well where each of three that share the products is killed in turn (seed ${seed}, ${shape})`, async () => {
      const outcome = await runHostile({ seed, shape, replicas: 3, killEvery: KILL_EVERY })
      assert.ok(outcome.kills > 4)
      assertRight(outcome)
    })
  }

  if (!IS_LONG) return
  test('loses nothing where it is killed again and again', async () => {
    const outcome = await runHostile({ seed: 11, shape: 'rainforest', killEvery: KILL_EVERY })
    assert.ok(outcome.kills > 4)
    assertRight(outcome)
  })

  test('does as well where three share the products', async () => {
    assertRight(await runHostile({ seed: 12, shape: 'rainforest', replicas: 3 }))
  })
})

test('the comparison tells what is lost, invented, doubled, condemned and buried', () => {
  const item = (id: string, body = 'good') => ({ id, asin: 'B1', body, rating: 5 })
  const digest = (one: object): string => digestOf(rainforest, one)
  const truth: TrueReview[] = ['A', 'B', 'C', 'D'].map((review_id) => ({
    product_id: 'B1',
    review_id,
    isDeleted: false,
    wasDeleted: review_id === 'A',
    versions: [{ digest: digest(item(review_id)), isValid: true, seen: 2, seenClean: 1, isCurrent: true }],
  }))
  const row = (key: string, one: object, status = 'accepted'): Row => ({
    key,
    revision: 0,
    raw: JSON.stringify(one),
    verdict: { status },
  })
  const news = (key: string, review_id: string): Row => {
    const verdict = { status: 'removed', review_id }
    return { key, revision: 0, raw: JSON.stringify({ removed: review_id }), verdict }
  }
  const stored = [
    row('1', item('A')),
    row('2', { ...item('A'), helpful_votes: 7 }),
    row('3', item('B'), 'rejected'),
    row('4', item('C')),
    row('5', item('C', 'altered')),
    row('6', { captcha: true }, 'rejected'),
    news('7', 'A'),
    news('8', 'D'),
  ]
  const { lost, buried, ...rest } = compare(stored, truth, owedOf(truth), 'rainforest')
  const keys = Object.entries(rest).map(([what, rows]) => [what, rows.map((one) => one.split(' ', 1)[0])])
  assert.deepEqual([lost, buried], [['B', 'D'], ['D']])
  assert.deepEqual(Object.fromEntries(keys), { invented: ['5'], doubled: ['1', '2'], condemned: ['3'] })
})
