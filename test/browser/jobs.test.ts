import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { chromiumProgram, takePicture } from '../support/browser.ts'
import { firstCluster, startConsole, type StartedConsole } from '../support/console.ts'
import { review } from '../support/reviews.ts'

/** So many that none of the jobs is at its end before a person has asked it to pause. */
const LETTERS = 6_000
const SHOWN = LETTERS.toLocaleString('en')

describe('a redrive that is under way', { skip: chromiumProgram.skip }, async () => {
  let it: StartedConsole
  before(async () => {
    it = await startConsole()
  })
  after(() => it[Symbol.asyncDispose]())

  test('says why it has stopped where its canary failed', async () => {
    const letters = [1, 7, 8].map((stars) => review(`C${stars}`, { rating: `${stars}.0 out of 5 stars` }))
    await it.bring(letters)
    await using visitor = await it.openVisitor()
    const { page } = visitor
    await visitor.visit(`/dead-letters/${await firstCluster(it.folder)}`)
    await page.getByText('1 of 3 would pass').waitFor()
    await page.getByLabel('Letters first').fill('2')
    await page.getByRole('button', { name: 'Redrive 3 letters' }).click()
    const job = page.getByRole('region', { name: 'Jobs' }).getByRole('article')
    await job.getByText('stopped: only 1 of the first 2 passed, and 95 % were asked for').waitFor()
    await job.getByText('1: rating must be at most 5, found 7').waitFor()
    await takePicture(page, 'job-stopped-by-its-canary')
    assert.deepEqual(visitor.complaints, [])
  })

  test('is paused, goes on, is stopped and goes on nevertheless, as the page says each time', async () => {
    for (let from = 0; from < LETTERS; from += 1_000) {
      const letters = Array.from({ length: 1_000 }, (_, n) =>
        review(`R${from + n}`, { rating: 'five', title: 'Another fault than that of the other test' }),
      )
      await it.bring(letters)
    }
    await using visitor = await it.openVisitor()
    const { page } = visitor
    await visitor.visit('/dead-letters')
    await page.getByRole('link', { name: /found "five"/ }).click()
    await page.getByRole('button', { name: 'Add a step' }).click()
    await page.getByLabel('Do', { exact: true }).selectOption('set')
    await page.getByLabel('To', { exact: true }).fill('5')
    await page.getByText(`${SHOWN} of ${SHOWN} would pass (100 %)`).waitFor()
    await page.getByRole('button', { name: `Redrive ${SHOWN} letters` }).click()

    // The first of the two places that show it: the one that began it.
    const job = page.getByRole('article').filter({ hasText: 'Redrive of' }).first()
    const isSaid = (state: string): Promise<void> => job.getByText(state, { exact: true }).waitFor()
    const press = (name: string): Promise<void> => job.getByRole('button', { name }).click()
    await press('Pause')
    await isSaid('paused')
    await job.getByText(/^paused: by operator/).waitFor()
    const doneWhilePaused = await job.getByText(new RegExp(` of ${SHOWN} done`)).innerText()
    assert.doesNotMatch(doneWhilePaused, new RegExp(`^${SHOWN}`))
    assert.ok(await job.getByRole('button', { name: 'Stop' }).isVisible())
    await takePicture(page, 'job-paused')

    await press('Resume')
    await job.getByRole('button', { name: 'Pause' }).waitFor()
    await press('Stop')
    await isSaid('stopped')
    assert.equal(await job.getByRole('button', { name: 'Stop' }).count(), 0)

    await press('Go on nevertheless')
    const jobs = page.getByRole('region', { name: 'Jobs' })
    await jobs
      .getByText(`${SHOWN} of ${SHOWN} done: ${SHOWN} passed, 0 did not`)
      .waitFor({ timeout: 120_000 })
    await jobs.getByText('done', { exact: true }).waitFor()
    assert.deepEqual(visitor.complaints, [])
  })
})
