import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { assertNoSidewaysScrolling, chromiumProgram, takePicture } from '../support/browser.ts'
import { everyPage, firstCluster, startConsole, type StartedConsole } from '../support/console.ts'
import { eventually } from '../support/pipeline.ts'
import { review } from '../support/reviews.ts'

const MARKUP =
  '<img src=x onerror="document.title=\'taken\'"><script>document.title="taken"</script><svg onload=alert(1)>{{1+1}}'
const BIDI = '\u202Egnp.exe\u202D\u2066\u2067 not closed'
const ZALGO = `z${'\u0300\u0315\u0335\u0489\u0328'.repeat(60)}`.repeat(40)
const LONG_WORD = 'W'.repeat(100_000)
const HOSTILE = { markup: MARKUP, bidi: BIDI, zalgo: ZALGO, 'long-word': LONG_WORD }

describe('a hostile review', { skip: chromiumProgram.skip }, async () => {
  let it: StartedConsole
  const paths = new Map<string, string>()
  before(async () => {
    it = await startConsole()
    const items = Object.entries(HOSTILE).flatMap(([name, text]) => [
      review(`R-${name}`, {
        title: text.slice(0, 9_000),
        review_text: text,
        reviewer_name: text.slice(0, 200),
      }),
      review(`D-${name}`, { product_id: text.slice(0, 250), rating: text.slice(0, 9_000) }),
    ])
    const rows = await it.bring(items)
    for (const { key } of rows) paths.set(`passport ${key}`, `/reviews/${key}`)
    for (const [name, path] of everyPage('', await firstCluster(it.folder))) {
      if (name !== 'passport') paths.set(name, path)
    }
  })
  after(() => it[Symbol.asyncDispose]())

  for (const width of [360, 1440]) {
    test(`is shown harmlessly on every page, ${width} pixels wide`, async () => {
      await using visitor = await it.openVisitor({ viewport: { width, height: 900 } })
      const { page } = visitor
      for (const [name, path] of paths) {
        await visitor.visit(path)
        await page
          .getByText(/^Loading/)
          .first()
          .waitFor({ state: 'detached' })
        await assertNoSidewaysScrolling(page)
        if (name === 'reviews' || name === 'cluster') await takePicture(page, `${name}-hostile-${width}`)
        await eventually(
          async () => (await page.title()).endsWith(' · Headwater') || undefined,
          'the title of the page',
        )
        assert.equal(await page.locator('img, script:not([src]), svg:not([aria-hidden])').count(), 0)
      }
      assert.deepEqual(visitor.complaints, [])
    })
  }

  test('is text, letter by letter, and turns nothing around it', async () => {
    await using visitor = await it.openVisitor()
    const { page } = visitor
    await visitor.visit('/reviews?review=R-markup')
    await page.getByText(MARKUP).first().waitFor()
    await visitor.visit('/reviews?review=R-bidi')
    await page.getByText('not closed').first().waitFor()
    const isolation = await page.evaluate(
      'getComputedStyle(document.querySelector(".results bdi")).unicodeBidi',
    )
    assert.equal(isolation, 'isolate')
  })

  test('leaves the page quick, however long a word it has', async () => {
    await using visitor = await it.openVisitor()
    const { page } = visitor
    await visitor.visit('/reviews?review=R-long-word')
    await page.getByRole('link', { name: 'WWW' }).click()
    await page.getByRole('region', { name: 'Raw as text' }).waitFor()
    const height = (await page.evaluate('document.documentElement.scrollHeight')) as number
    assert.ok(height < 10_000, `${height} px high`)
  })
})
