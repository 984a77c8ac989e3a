import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { chromiumProgram, openBrowser, openVisitor } from '../support/browser.ts'
import { bring } from '../support/console.ts'
import { startUp, type Up, writeConfig } from '../support/pipeline.ts'
import { FIVE } from '../support/reviews.ts'
import { temporaryFolder } from '../support/temp.ts'

describe('a replay from the console', { skip: chromiumProgram.skip }, async () => {
  const folder = await temporaryFolder()
  let browser: Browser
  let up: Up
  before(async () => {
    await writeConfig(folder.path)
    up = await startUp(folder.path)
    await bring(FIVE, { webhook: up.webhook, folder: folder.path })
    browser = await openBrowser()
  })
  after(async () => {
    await browser.close()
    await up.process.stop()
    await folder[Symbol.asyncDispose]()
  })

  test('is estimated first, and anew when something else is asked for; then it runs and is noted', async () => {
    await using visitor = await openVisitor(browser, up.admin)
    const { page } = visitor
    await visitor.visit('/replay')
    const run = page.getByRole('button', { name: 'Replay', exact: true })
    assert.ok(await run.isDisabled())
    await page.getByLabel('Received from').fill('2020-01-01T00:00')
    await page.getByLabel('Received before').fill('2099-01-01T00:00')
    await page.getByLabel('Topic').fill('again')
    await page.getByRole('button', { name: 'Estimate' }).click()
    await page
      .getByText(/^3 would be published/)
      .first()
      .waitFor()
    await page.getByLabel('Product').fill('B00456')
    assert.ok(await run.isDisabled())
    await page.getByRole('button', { name: 'Estimate' }).click()
    await page
      .getByText(/^1 would be published/)
      .first()
      .waitFor()
    await run.click()
    await page
      .getByText(/^1 published/)
      .first()
      .waitFor()
    await page.getByText(/^To the topic again: received from 20.* before 2.*, product B00456$/).waitFor()
    await visitor.visit('/settings')
    await page.getByText('replay', { exact: true }).waitFor()
    assert.deepEqual(visitor.complaints, [])
  })
})
