import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { chromiumProgram } from '../support/browser.ts'
import { startConsole, type StartedConsole } from '../support/console.ts'

/** More than a browser has connections to one server. */
const TABS = 8

describe('a console that is open many times', { skip: chromiumProgram.skip }, async () => {
  let it: StartedConsole
  before(async () => {
    it = await startConsole({ sources: '  - { name: simulator, type: simulator, rate: 5, seed: 1 }\n' })
  })
  after(() => it[Symbol.asyncDispose]())

  test('goes on in the tab that is seen, however many others there are', async () => {
    await using visitor = await it.openVisitor()
    const { page } = visitor
    await visitor.visit('/')
    const context = page.context()
    await context.addInitScript("Object.defineProperty(document, 'hidden', { get: () => true })")
    for (let n = 0; n < TABS; n++) {
      const hidden = await context.newPage()
      await hidden.goto(`${it.up.admin}/sources`)
      await hidden.getByRole('heading', { name: 'simulator' }).waitFor()
    }
    await page.getByRole('link', { name: 'Settings' }).click()
    await page.getByText('The config in force').waitFor()
  })

  test('asks where it may not listen, and does not say that nobody answers', async () => {
    await using visitor = await it.openVisitor()
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
