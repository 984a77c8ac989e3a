import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createRandom } from '../../../src/lib/random.ts'
import { retryAfterMs } from '../../../src/sources/http/retry-after.ts'
import { malices } from '../../../src/sources/simulator/hostile/malices.ts'
import { digestOf, type Version } from '../../../src/sources/simulator/hostile/truth.ts'
import { waitForms } from '../../../src/sources/simulator/hostile/waits.ts'
import { createWorld } from '../../../src/sources/simulator/hostile/world.ts'
import { SHAPES, shapes } from '../../../src/sources/simulator/shapes/index.ts'
import { openHostile } from './simulator-hostile-client.ts'

describe('the hostile simulator', () => {
  for (const shape of SHAPES) {
    test(`knows in the shape of ${shape} what a client saw that reads everything`, async () => {
      await using hostile = await openHostile({ shape })
      const { provider } = hostile
      await hostile.crawl(3)
      provider.turnKind()
      const isOver = () => {
        const all = provider.state().products
        return all.every(({ isAsked, isShown, isComplete }) => isAsked && isShown && isComplete)
      }
      assert.ok(!isOver())
      await hostile.crawl(1)
      assert.ok(isOver())
      const seen = new Set(hostile.items.map((item) => digestOf(shapes[shape], item)))
      const versions = provider.truth().flatMap((review) => review.versions)
      const sent = new Set(versions.map(({ digest }) => digest))
      assert.deepEqual([...seen.difference(sent)], [], 'nothing is seen that was not sent')
      assert.deepEqual([...owed(versions).difference(seen)], [], 'nothing is owed that was not seen')
      assert.deepEqual(provider.violations(), [])
    })
  }

  test('does every kind of malice, and none of them for ever', async () => {
    await using hostile = await openHostile({ malice: 1 })
    await hostile.crawl(6)
    assert.deepEqual(
      Object.keys(hostile.provider.state().malices).toSorted(),
      Object.keys(malices).toSorted(),
    )
    const versions = hostile.provider.truth().flatMap((review) => review.versions)
    assert.ok(owed(versions).size > 200, 'every third request for a page is answered plainly')
  })

  test('gives the same answers to the same requests of the same seed, and others of another', async () => {
    const answers = await Promise.all(
      [1, 1, 2].map(async (seed) => {
        await using hostile = await openHostile({ seed, reviews: 100 })
        await hostile.crawl(2)
        return hostile.answers.join('\n')
      }),
    )
    assert.equal(answers[0], answers[1])
    assert.notEqual(answers[0], answers[2])
  })

  test('changes by itself: late, edited, deleted and returning reviews', async () => {
    await using hostile = await openHostile({ malice: 0, reviews: 1_000 })
    await hostile.crawl(1)
    const before = new Set(hostile.ids())
    await hostile.crawl(4)
    hostile.provider.turnKind()
    await hostile.crawl(1)
    const reviews = hostile.provider.truth()
    assert.ok(
      reviews.some(({ versions }) => versions.length > 1),
      'edited',
    )
    assert.ok(
      reviews.some(({ isDeleted }) => isDeleted),
      'deleted',
    )
    const isBack = reviews.some(({ isDeleted, wasDeleted }) => wasDeleted && !isDeleted)
    assert.ok(isBack, 'back again')
    assert.ok(reviews.every(({ isDeleted, wasDeleted }) => wasDeleted || !isDeleted))
    const ids = new Set(reviews.map(({ review_id }) => review_id))
    assert.equal(ids.size, reviews.length)
    assert.ok(
      [...ids].some((id) => !before.has(id)),
      'late',
    )
    assert.ok(reviews.every(({ versions }) => versions.every(({ isValid }) => isValid)))
  })

  test('does nothing of what it is told to spare', async () => {
    const spared = Object.keys(malices).filter((name) => name !== 'captcha')
    await using hostile = await openHostile({ malice: 1, spared })
    await hostile.crawl(1)
    assert.deepEqual(Object.keys(hostile.provider.state().malices), ['captcha'])
  })

  test('turns kind by itself after so many requests', async () => {
    await using hostile = await openHostile({ malice: 1, kindAfter: 10 })
    await hostile.crawl(1)
    const { isKind, malices: done } = hostile.provider.state()
    assert.ok(isKind)
    assert.ok(Object.values(done).reduce((sum, times) => sum + times, 0) <= 10)
  })
})

describe('the hostile simulator counts', () => {
  test('whoever asks before the end of a wait that was told', async () => {
    await using hostile = await openHostile({ malice: 1 })
    // Every wait is of a second: of two in a row each is broken once.
    hostile.haste = 500
    await hostile.crawl(2)
    const early = hostile.provider.violations().filter(({ kind }) => kind === 'early')
    const { malices: done } = hostile.provider.state()
    const limited = Object.keys(done).filter((name) => name.startsWith('429, '))
    for (const name of limited) {
      const form = name.slice('429, '.length)
      assert.ok(
        early.some(({ message }) => message.endsWith(`: 429 ${form}`)),
        name,
      )
    }
  })

  test('whoever asks for more than is left', async () => {
    await using hostile = await openHostile({ malice: 0, pace: 0.1 })
    hostile.haste = 1
    await hostile.crawl(1)
    const [first] = hostile.provider.violations()
    assert.match(first?.message ?? '', /ratelimit/)
    assert.ok(hostile.answers.some((answer) => answer.startsWith('429')))
  })

  test('nothing against whoever waits exactly as long as every answer asks', async () => {
    await using hostile = await openHostile({ malice: 0.5, pace: 0.05 })
    Object.assign(hostile, { haste: 7, isExact: true })
    await hostile.crawl(5)
    assert.deepEqual(hostile.provider.violations(), [])
    assert.ok(Object.keys(hostile.provider.state().malices).length > 40)
  })

  test('nobody for a wait that could not be known yet', async () => {
    const told = async (requestsAtOnce: number, forgive: boolean): Promise<boolean> => {
      await using hostile = await openHostile({ malice: 0, pace: 0.1, requestsAtOnce })
      const [product = ''] = hostile.products
      hostile.haste = 1
      for (let asked = 0; asked < 20; asked++) await hostile.ask(product, 1)
      if (forgive) hostile.provider.forgive()
      await hostile.ask(product, 1)
      return hostile.provider.violations().length > 0
    }
    assert.deepEqual([await told(1, false), await told(2, false), await told(1, true)], [true, false, false])
  })

  test('two requests at once for one product', async () => {
    await using hostile = await openHostile({ malice: 1, pace: 0.02 })
    const [product = ''] = hostile.products
    const overlaps = () => hostile.provider.violations().filter(({ kind }) => kind === 'overlap')
    // Until one of them is answered so slowly that the others meet it.
    while (overlaps().length === 0) await Promise.all([1, 2, 3, 4].map(() => hostile.ask(product, 1)))
    assert.ok(overlaps().every((overlap) => overlap.product === product))
  })

  test('credentials that come to another host', async () => {
    await using hostile = await openHostile({ malice: 1 })
    hostile.headers = { 'X-Api-Key': 'secret' }
    await hostile.crawl(3)
    const messages = hostile.provider.violations().map(({ message }) => message)
    assert.ok(messages.includes('x-api-key came to another host'))
  })

  test('a page far behind the last one, and a crawl without an end', async () => {
    await using hostile = await openHostile({ malice: 0, shape: 'canonical' })
    const [product = ''] = hostile.products
    await hostile.ask(product, 50)
    const [far] = hostile.provider.violations()
    assert.equal(far?.kind, 'beyond')
    assert.match(far?.message ?? '', /^asked for page 50, where there are \d pages$/)
    for (let round = 0; round < 40; round++) await hostile.ask(product, 2)
    assert.match(hostile.provider.violations().at(-1)?.message ?? '', /a crawl that has no end/)
  })
})

test('every way to ask to wait that has a Retry-After asks for no less than it means', () => {
  const forms = Object.entries(waitForms).filter(([name]) => name.startsWith('Retry-After'))
  assert.equal(forms.length, 6)
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4e12 }), fc.integer({ min: 1, max: 100 }), (now, seconds) => {
      for (const [name, form] of forms) {
        const { 'retry-after': retryAfter, date } = form({ now, seconds })
        const waited = retryAfterMs(retryAfter, date ?? new Date(now).toUTCString(), now)
        assert.ok(waited !== undefined && waited >= seconds * 1_000 && waited < (seconds + 2) * 1_000, name)
      }
    }),
  )
})

test('what a world becomes depends on how many requests there were, not on when it is looked at', () => {
  const options = { seed: 5, products: 7, reviews: 400, changesUntil: 100 }
  const shown = (steps: readonly number[]): string => {
    const world = createWorld(options)
    for (const step of steps) world.advanceTo(step)
    return JSON.stringify(world.products.map((product) => world.reviewsOf(product)))
  }
  const random = createRandom(1)
  for (let until = 0; until <= 100; until += 20) {
    const steps = Array.from({ length: 10 }, () => Math.floor(random() * until)).toSorted((a, b) => a - b)
    assert.equal(shown([...steps, until]), shown([until]))
  }
  assert.equal(shown([100]), shown([Infinity]))
})

/** On a page without fault. */
function owed(versions: readonly Version[]): Set<string> {
  return new Set(versions.filter(({ seenClean }) => seenClean > 0).map(({ digest }) => digest))
}
