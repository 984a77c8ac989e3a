import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { chromiumProgram, openBrowser, openVisitor, takePicture } from '../support/browser.ts'
import { freePort, startUp, writeConfig } from '../support/pipeline.ts'
import { temporaryFolder } from '../support/temp.ts'

describe('a console whose process ends', { skip: chromiumProgram.skip }, async () => {
  const folder = await temporaryFolder()
  let browser: Browser
  before(async () => {
    await writeConfig(folder.path, '  - { name: simulator, type: simulator, rate: 5, seed: 1 }\n')
    const file = join(folder.path, 'headwater.yaml')
    const text = await readFile(file, 'utf8')
    await writeFile(file, text.replace(/admin: .*/, `admin: { listen: "127.0.0.1:${await freePort()}" }`))
    browser = await openBrowser()
  })
  after(async () => {
    await browser.close()
    await folder[Symbol.asyncDispose]()
  })

  test('says so, keeps the last figures, and is connected again once it is back', async () => {
    const { admin, process } = await startUp(folder.path)
    await using first = process
    await using visitor = await openVisitor(browser, admin)
    const { page } = visitor
    await visitor.visit('/')
    await page.getByText('All is well.').waitFor()

    await first.kill()
    await page.getByRole('alert').getByText('Headwater does not answer.').waitFor()
    await page.getByRole('alert').getByText('What you see is the last that it told.').waitFor()
    await page.getByRole('row', { name: /simulator/ }).waitFor()
    assert.equal(await page.getByText('All is well.').count(), 0)
    await takePicture(page, 'now-disconnected')
    // What is asked for now says that nobody answers.
    await page.getByRole('link', { name: 'Settings' }).click()
    await page.getByText('Headwater does not answer. Is it running?').first().waitFor()
    await takePicture(page, 'settings-disconnected')

    await using _second = (await startUp(folder.path)).process
    await page
      .getByRole('alert')
      .getByText('What you see is the last that it told.')
      .waitFor({ state: 'detached' })
    // Nobody has to try again by hand.
    await page.getByText('The config in force').waitFor()
    await page.getByRole('link', { name: 'Now', exact: true }).click()
    await page.getByText('All is well.').waitFor()
  })
})
