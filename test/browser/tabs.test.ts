import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { chromiumProgram, openBrowser, openVisitor } from '../support/browser.ts'
import { startUp, type Up, writeConfig } from '../support/pipeline.ts'
import { temporaryFolder } from '../support/temp.ts'

/** More than a browser has connections to one server. */
const TABS = 8

describe('a console that is open many times', { skip: chromiumProgram.skip }, async () => {
  const folder = await temporaryFolder()
  let browser: Browser
  let up: Up
  before(async () => {
    await writeConfig(folder.path, '  - { name: simulator, type: simulator, rate: 5, seed: 1 }\n')
    up = await startUp(folder.path)
    browser = await openBrowser()
  })
  after(async () => {
    await browser.close()
    await up.process[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  test('goes on in the tab that is seen, however many others there are', async () => {
    await using visitor = await openVisitor(browser, up.admin)
    const { page } = visitor
    await visitor.visit('/')
    const context = page.context()
    await context.addInitScript("Object.defineProperty(document, 'hidden', { get: () => true })")
    for (let n = 0; n < TABS; n++) {
      const hidden = await context.newPage()
      await hidden.goto(`${up.admin}/sources`)
      await hidden.getByRole('heading', { name: 'simulator' }).waitFor()
    }
    await page.getByRole('link', { name: 'Settings' }).click()
    await page.getByText('The config in force').waitFor()
  })

  test('asks where it may not listen, and does not say that nobody answers', async () => {
    await using visitor = await openVisitor(browser, up.admin)
    const { page } = visitor
    const refused = { status: 503, body: '{"error":"64 pages listen already","code":"TOO_MANY_LISTENERS"}' }
    await page.route('**/api/live', (route) => route.fulfill(refused))
    await visitor.visit('/')
    await page.getByText('All is well.').waitFor()
    await page.waitForResponse('**/api/live')
    await page.waitForResponse('**/api/now')
    assert.equal(await page.getByRole('alert').count(), 0)
  })
})
