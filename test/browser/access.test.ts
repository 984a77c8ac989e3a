import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { barriersOn, chromiumProgram, openBrowser, openVisitor, takePicture } from '../support/browser.ts'
import { bring, everyPage, firstCluster } from '../support/console.ts'
import { freePort, startUp, type Up, writeConfig } from '../support/pipeline.ts'
import { FIVE } from '../support/reviews.ts'
import { temporaryFolder } from '../support/temp.ts'

describe('a console with tokens', { skip: chromiumProgram.skip }, async () => {
  const folder = await temporaryFolder()
  let browser: Browser
  let up: Up
  let pages: ReadonlyMap<string, string>
  before(async () => {
    await writeConfig(folder.path)
    const file = join(folder.path, 'headwater.yaml')
    const listen = `127.0.0.1:${await freePort()}`
    const admin = `admin: { listen: "${listen}", token: for-operators, read_only_token: for-readers }`
    await writeFile(file, (await readFile(file, 'utf8')).replace(/admin: .*/, admin))
    up = await startUp(folder.path)
    const rows = await bring(FIVE, { webhook: up.webhook, folder: folder.path })
    const rejected = rows.find(({ verdict }) => verdict.status === 'rejected')
    pages = everyPage(rejected?.key ?? '', await firstCluster(folder.path))
    browser = await openBrowser()
  })
  after(async () => {
    await browser.close()
    await up.process.stop()
    await folder[Symbol.asyncDispose]()
  })

  test('asks for one, says when it is wrong, and lets in whoever has the right one until he signs out', async () => {
    await using visitor = await openVisitor(browser, up.admin)
    const { page } = visitor
    await visitor.visit('/settings')
    assert.equal(await page.locator('h1').innerText(), 'Sign in to Headwater')
    assert.deepEqual(await barriersOn(page), [])
    await takePicture(page, 'sign-in')

    await page.getByLabel('Token').fill('wrong')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('alert').waitFor()
    await page.getByLabel('Token').fill('for-operators')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor()
    assert.doesNotMatch(await page.content(), /for-operators|for-readers/)

    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in to Headwater' }).waitFor()
  })

  test('shows a reader everything, says once that he changes nothing, and offers him no change', async () => {
    await using visitor = await openVisitor(browser, up.admin)
    const { page } = visitor
    await visitor.visit('/')
    await page.getByLabel('Token').fill('for-readers')
    await page.getByRole('button', { name: 'Sign in' }).click()
    for (const [name, path] of pages) {
      await visitor.visit(path)
      await page.getByText('you see everything and change nothing').waitFor()
      await page
        .getByText(/^Loading/)
        .first()
        .waitFor({ state: 'detached' })
      const offered = await page.getByRole('button').allInnerTexts()
      const changes = offered.filter((name) =>
        /pause|resume|poll|redrive|discard|mute|drop|replay/i.test(name),
      )
      assert.deepEqual(changes, [], path)
      if (name === 'cluster') await takePicture(page, 'cluster-for-a-reader')
    }
  })

  test('asks again once the process that knew the session has gone', async () => {
    await using visitor = await openVisitor(browser, up.admin)
    const { page } = visitor
    await visitor.visit('/')
    await page.getByLabel('Token').fill('for-operators')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('By source').waitFor()
    await up.process.kill()
    await page.getByText('Headwater does not answer.').waitFor()
    up = await startUp(folder.path)
    await page.getByRole('heading', { name: 'Sign in to Headwater' }).waitFor()
  })
})
