import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { assertNoSidewaysScrolling, barriersOn, chromiumProgram, takePicture } from '../support/browser.ts'
import { everyPage, firstCluster, startConsole, type StartedConsole } from '../support/console.ts'
import { openProvider, type Provider } from '../support/provider.ts'
import { FIVE, review } from '../support/reviews.ts'

const simulator = '  - { name: simulator, type: simulator, rate: 10, seed: 1, edits: 0.1, invalid: 0.05 }\n'
const WIDTHS = [360, 1440, 2560]
const HEIGHT = 900

describe('every page of the console', { skip: chromiumProgram.skip }, async () => {
  let provider: Provider
  let it: StartedConsole
  let pages: ReadonlyMap<string, string>
  before(async () => {
    provider = await openProvider(() => ({ body: '[]', headers: { 'content-type': 'application/json' } }))
    const polled = `  - { name: polled, type: http-poll, url: "${provider.url}", every: 1h, lease: 1s }\n`
    it = await startConsole({ sources: simulator + polled })
    const stars = [1, 2, 3].map((n) => review(`R-stars-${n}`, { rating: `${n}.0 out of 5 stars` }))
    const rows = await it.bring([...FIVE, ...stars])
    const accepted = rows.find(({ verdict }) => verdict.review?.['review_id'] === 'R1')
    pages = everyPage(accepted?.key ?? '', await firstCluster(it.folder))
  })
  after(async () => {
    await it[Symbol.asyncDispose]()
    await provider[Symbol.asyncDispose]()
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    test(`has no barriers and fits from 360 to 2560 pixels in ${colorScheme}`, async () => {
      await using visitor = await it.openVisitor({ colorScheme })
      const { page } = visitor
      for (const [name, path] of pages) {
        await visitor.visit(path)
        await page
          .getByText(/^Loading/)
          .first()
          .waitFor({ state: 'detached' })
        for (const width of WIDTHS) {
          await page.setViewportSize({ width, height: HEIGHT })
          await assertNoSidewaysScrolling(page)
          await takePicture(page, `${name}-${width}-${colorScheme}`)
          // It is laid out like one of the other two.
          if (width === 1440) continue
          assert.deepEqual(await barriersOn(page), [], `${name}, ${width} px, ${colorScheme}`)
        }
      }
      assert.deepEqual(visitor.complaints, [])
    })
  }

  test('tells when a source is polled next, and that it is not while it is paused', async () => {
    await using visitor = await it.openVisitor()
    const { page } = visitor
    await visitor.visit('/sources')
    const polled = page.getByRole('article').filter({ hasText: 'polled' })
    await polled.getByText(/^in (\d+ min|1 h)$/).waitFor()
    await page.getByRole('button', { name: 'Pause polled' }).click()
    await polled.getByText('none while it is paused').waitFor()
    await page.getByRole('button', { name: 'Resume polled' }).click()
    await polled.getByText(/^in (\d+ min|1 h)$/).waitFor()
    assert.deepEqual(visitor.complaints, [])
  })

  test('moves nothing for those who asked for less motion, whatever a style says', async () => {
    const moves = async (reducedMotion: 'reduce' | 'no-preference'): Promise<unknown> => {
      await using visitor = await it.openVisitor({ reducedMotion })
      await visitor.visit('/dead-letters')
      return await visitor.page.evaluate(`(() => {
        const { style } = document.querySelector('h1')
        style.animation = 'turn 1s infinite'
        style.transition = 'opacity 1s'
        const { animationName, transitionDuration } = getComputedStyle(document.querySelector('h1'))
        return { animationName, transitionDuration }
      })()`)
    }
    assert.deepEqual(await moves('no-preference'), { animationName: 'turn', transitionDuration: '1s' })
    assert.deepEqual(await moves('reduce'), { animationName: 'none', transitionDuration: '0s' })
  })

  test('keeps the theme that was chosen, whatever the system says', async () => {
    await using visitor = await it.openVisitor({ colorScheme: 'light' })
    const { page } = visitor
    const ground = (): Promise<unknown> =>
      page.evaluate('getComputedStyle(document.documentElement).backgroundColor')
    await visitor.visit('/settings')
    const light = await ground()
    await page.getByLabel('Theme').selectOption('dark')
    const dark = await ground()
    assert.notEqual(dark, light)
    await visitor.visit('/sources')
    assert.equal(await ground(), dark)
  })
})
