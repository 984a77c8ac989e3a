import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { chromiumProgram, takePicture } from '../support/browser.ts'
import { rowsIn, startConsole, type StartedConsole } from '../support/console.ts'
import { eventually } from '../support/pipeline.ts'
import { review } from '../support/reviews.ts'

const LETTERS = 500

describe('dead letters with one fault', { skip: chromiumProgram.skip }, async () => {
  let it: StartedConsole
  before(async () => {
    it = await startConsole({ sources: '  - { name: other, type: webhook, path: /hooks/other }\n' })
    const letters = Array.from({ length: LETTERS }, (_, n) =>
      review(`R${n}`, { rating: '4.0 out of 5 stars' }),
    )
    await it.bring(letters)
  })
  after(() => it[Symbol.asyncDispose]())

  test('are repaired once: suggested, previewed, tried on a few, redriven, and all of them are stored', async () => {
    await using visitor = await it.openVisitor()
    const { page } = visitor
    await visitor.visit('/dead-letters')
    await page
      .getByRole('row', { name: new RegExp(String(LETTERS)) })
      .getByRole('link')
      .click()
    await page.getByText(`${LETTERS} of ${LETTERS} would pass (100 %)`).waitFor()
    const preview = page.getByRole('region', { name: 'Preview' })
    await preview.locator('del', { hasText: '4.0 out of 5 stars' }).first().waitFor()
    await preview.locator('ins', { hasText: /^4$/ }).first().waitFor()
    await takePicture(page, 'repair-previewed')

    await page.getByLabel(/Keep as a rule of hook/).check()
    await page.getByRole('button', { name: /^Redrive \d+ letters$/ }).click()
    await page.getByText(`${LETTERS} of ${LETTERS} done: ${LETTERS} passed, 0 did not`).first().waitFor()
    await page.getByRole('region', { name: 'Jobs' }).getByText('done', { exact: true }).waitFor()
    await takePicture(page, 'repair-redriven')

    const rows = await rowsIn(it.folder)
    assert.equal(rows.length, LETTERS)
    assert.ok(rows.every(({ verdict }) => verdict.status === 'accepted' && verdict.review?.['rating'] === 4))
    await visitor.visit('/dead-letters')
    await page.getByText('No dead letters wait to be mended').waitFor()
    assert.deepEqual(visitor.complaints, [])
  })

  test('come no more once the repair is kept as a rule of their source', async () => {
    await eventually(async () => {
      const id = `K${Date.now()}`
      const rows = await it.bring([review(id, { rating: '3.0 out of 5 stars' })])
      const row = rows.find(({ raw }) => raw?.includes(id))
      return row?.verdict.status === 'accepted' ? true : undefined
    }, 'a letter that is mended on arrival')
  })

  test('are previewed while the steps are written, and steps that do not help say why', async () => {
    await it.bring([review('X1', { rating: 'five!' }), review('X2', { rating: 'four!' })])
    await using visitor = await it.openVisitor()
    const { page } = visitor
    await visitor.visit('/dead-letters')
    await page.getByRole('link', { name: /five!|four!/ }).click()
    await page.getByText('0 of 2 would pass').waitFor()
    await page.getByRole('button', { name: 'Add a step' }).click()
    await page.getByLabel('Do', { exact: true }).selectOption('set')
    await page.getByLabel('To', { exact: true }).fill('5')
    await page.getByText('2 of 2 would pass (100 %)').waitFor()
    await page.getByLabel('To', { exact: true }).fill('6')
    await page.getByText('0 of 2 would pass').waitFor()
    await page.getByText('2 letters would not:').waitFor()
  })

  test('are left alone where too few of the first ones pass, until somebody goes on nevertheless', async () => {
    const letters = [1, 7, 8, 9].map((stars) => review(`C${stars}`, { rating: `${stars}.0 out of 5 stars` }))
    // The source of the first test would mend the first of them on arrival.
    await it.bring(letters, it.up.webhook.replace(/hook$/, 'other'))
    await using visitor = await it.openVisitor()
    const { page } = visitor
    await visitor.visit('/dead-letters')
    await page.getByRole('link', { name: /out of 5 stars/ }).click()
    await page.getByText('1 of 4 would pass').waitFor()
    await page.getByLabel('Letters first').fill('2')
    await page.getByRole('button', { name: /^Redrive \d letters$/ }).click()
    await page.getByText('stopped', { exact: true }).first().waitFor()
    const job = page
      .getByRole('article')
      .filter({ hasText: /2 of 4 done/ })
      .first()
    await job.getByRole('button', { name: 'Go on nevertheless' }).click()
    await page.getByText('4 of 4 done: 1 passed, 3 did not').first().waitFor()
  })

  test('are mended one by one by hand, and what is still wrong is said', async () => {
    const rows = await it.bring([review('H1', { rating: 'none' })])
    const key = rows.find(({ raw }) => raw?.includes('"H1"'))?.key ?? ''
    await using visitor = await it.openVisitor()
    const { page } = visitor
    await visitor.visit(`/reviews/${key}`)
    const written = page.getByLabel('The review as it should be, as JSON')
    const text = await written.inputValue()
    await written.fill(text.replace('"none"', '6'))
    await page.getByRole('button', { name: 'Redrive as written' }).click()
    await page.getByText('It would still be rejected; nothing was changed.').waitFor()
    await written.fill(text.replace('"none"', '3,'))
    await page.getByRole('button', { name: 'Redrive as written' }).click()
    await page.getByText('This is no JSON').waitFor()
    await written.fill(text.replace('"none"', '3'))
    await page.getByRole('button', { name: 'Redrive as written' }).click()
    await page.getByText('accepted', { exact: true }).waitFor()
    await page.getByText('By hand').waitFor()
  })

  test('are put away with a reason: muted, and shown on demand; then discarded', async () => {
    await using visitor = await it.openVisitor()
    const { page } = visitor
    await visitor.visit('/dead-letters')
    await page.getByRole('link', { name: /five!|four!/ }).click()
    await page.getByLabel('Reason').fill('words are expected here')
    await page.getByRole('button', { name: 'Mute the fault' }).click()
    await page.getByText('words are expected here').waitFor()
    await visitor.visit('/dead-letters')
    await page.getByRole('heading', { name: 'Jobs' }).waitFor()
    await page.getByText('Loading the dead letters').waitFor({ state: 'detached' })
    assert.equal(await page.getByRole('link', { name: /five!|four!/ }).count(), 0)
    await page.getByRole('link', { name: 'With the muted ones' }).click()
    await page.getByRole('link', { name: /five!|four!/ }).click()
    await page.getByLabel('Reason').fill('worth nothing')
    await page.getByRole('button', { name: 'Discard all of them' }).click()
    await page.getByText('2 of 2 done: 2 passed, 0 did not').waitFor()
  })
})
