import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { chromiumProgram } from '../support/browser.ts'
import { startConsole, type StartedConsole } from '../support/console.ts'
import { eventually } from '../support/pipeline.ts'
import { review } from '../support/reviews.ts'

const simulator = '  - { name: simulator, type: simulator, rate: 20, seed: 1, edits: 0.1 }\n'

describe('the console', { skip: chromiumProgram.skip }, async () => {
  let it: StartedConsole
  before(async () => {
    it = await startConsole({ sources: simulator })
  })
  after(() => it[Symbol.asyncDispose]())

  test('says on the first visit that all is well, and shows what flows', async () => {
    await using visitor = await it.openVisitor()
    const { page } = visitor
    await visitor.visit('/')
    await page.getByText('All is well.').waitFor()
    const row = page.getByRole('row', { name: /simulator/ })
    await eventually(async () => {
      const cells = await row.getByRole('cell').allInnerTexts()
      return Number(cells[1]) > 0 && Number(cells[2]) > 0 ? true : undefined
    }, 'a rate in and out of the simulator')
    await page.locator('canvas').first().waitFor()
    assert.equal(await page.title(), 'Now · Headwater')
    assert.deepEqual(visitor.complaints, [])
  })

  test('finds a review by its id, and shows its passport with the exact bytes and all versions', async () => {
    const [first, second] = ['It works well', 'It worked well'].map((text) =>
      review('R-passport', { review_text: text, title: 'A lid' }),
    )
    await it.bring([first ?? ''])
    await it.bring([second ?? ''])

    await using visitor = await it.openVisitor()
    const { page } = visitor
    await visitor.visit('/')
    await page.getByRole('link', { name: 'Reviews', exact: true }).click()
    await page.getByLabel('Review id').fill('R-passport')
    await page.getByRole('button', { name: 'Search' }).click()
    await page.getByText('2 records, newest first.').waitFor()
    assert.match(page.url(), /\?review=R-passport$/)

    await page.getByRole('link', { name: 'A lid' }).first().click()
    await page.getByRole('heading', { name: 'A lid', level: 1 }).waitFor()
    assert.equal(await page.getByRole('region', { name: 'Raw as text' }).innerText(), second)
    await page.getByRole('button', { name: 'tree' }).click()
    await page.getByRole('region', { name: 'Raw as a tree' }).getByText('R-passport').waitFor()
    await page.locator('del', { hasText: 'works' }).waitFor()
    await page.locator('ins', { hasText: 'worked' }).waitFor()
    await page.getByText('raw-reviews', { exact: true }).waitFor()
    await page.getByText(/, \d+(\.\d)? m?s after it was received$/).waitFor()
    assert.deepEqual(visitor.complaints, [])
  })

  test('has an address for each search, that opens the same again', async () => {
    await using visitor = await it.openVisitor({ timezoneId: 'Asia/Kolkata' })
    await visitor.visit('/reviews?source=simulator&status=accepted')
    const { page } = visitor
    await page.getByText('newest first').waitFor()
    assert.equal(await page.getByLabel('Status').inputValue(), 'accepted')
    await page.getByRole('button', { name: 'Clear' }).click()
    await page.waitForURL(/\/reviews$/)
    await page.goBack()
    await page.waitForURL(/status=accepted/)
    assert.equal(await page.getByLabel('Status').inputValue(), 'accepted')

    await page.getByLabel('Received from').fill('2020-01-02T03:04')
    await page.getByRole('button', { name: 'Search' }).click()
    await page.waitForURL(/from=2020-01-0\dT\d\d%3A34%3A00\.000Z/)
    await page.getByText('newest first').waitFor()
    assert.equal(await page.getByLabel('Received from').inputValue(), '2020-01-02T03:04')
  })

  test('shows the times of an address as they are, and searches with them again', async () => {
    await using visitor = await it.openVisitor({ timezoneId: 'Asia/Kolkata' })
    await visitor.visit('/reviews?from=7d&to=2100-01-02T03%3A04%3A05.000Z')
    const { page } = visitor
    await page.getByText('newest first').waitFor()
    assert.equal(await page.getByLabel('Received from').inputValue(), '7d')
    assert.match(await page.getByLabel('Received before').inputValue(), /^2100-01-02T08:34:05/)
    await page.getByLabel('Status').selectOption('accepted')
    await page.getByRole('button', { name: 'Search' }).click()
    await page.waitForURL(/status=accepted/)
    assert.match(page.url(), /from=7d&to=2100-01-02T03%3A04%3A05\.000Z/)
  })

  test('is used by keyboard alone', async () => {
    await using visitor = await it.openVisitor()
    const { page } = visitor
    await visitor.visit('/')
    const focused = page.locator(':focus')
    await page.keyboard.press('Tab')
    assert.equal(await focused.innerText(), 'Skip to the content')
    for (const name of ['Headwater', 'Now', 'Sources']) {
      await page.keyboard.press('Tab')
      assert.equal((await focused.innerText()).trim(), name)
      const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')
      assert.equal(outline, 'solid', `the focus on ${name} is seen`)
    }
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Sources', level: 1 }).waitFor()
    await page.locator('#main:focus').waitFor()
  })

  test('pauses a source and resumes it', async () => {
    await using visitor = await it.openVisitor()
    const { page } = visitor
    await visitor.visit('/sources')
    await page.getByRole('button', { name: 'Pause simulator' }).click()
    await page.getByRole('button', { name: 'Resume simulator' }).waitFor()
    await visitor.visit('/')
    await page.getByText('1 source is paused: simulator.').waitFor()
    await page.getByRole('link', { name: 'Resume' }).click()
    await page.getByRole('button', { name: 'Resume simulator' }).click()
    await page.getByRole('button', { name: 'Pause simulator' }).waitFor()
    await visitor.visit('/settings')
    await page.getByText('source simulator').first().waitFor()
    assert.deepEqual(visitor.complaints, [])
  })

  test('says so where a page is not there', async () => {
    await using visitor = await it.openVisitor()
    await visitor.visit('/no-such-page')
    assert.equal(await visitor.page.locator('h1').innerText(), 'Not found')
  })
})
