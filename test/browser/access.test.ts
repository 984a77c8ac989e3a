import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { barriersOn, chromiumProgram, takePicture } from '../support/browser.ts'
import { everyPage, firstCluster, startConsole, type StartedConsole } from '../support/console.ts'
import { freePort, startUp } from '../support/pipeline.ts'
import { FIVE } from '../support/reviews.ts'

describe('a console with tokens', { skip: chromiumProgram.skip }, async () => {
  let it: StartedConsole
  let pages: ReadonlyMap<string, string>
  before(async () => {
    const listen = `127.0.0.1:${await freePort()}`
    it = await startConsole({
      admin: `listen: "${listen}", token: for-operators, read_only_token: for-readers`,
    })
    const rows = await it.bring(FIVE)
    const rejected = rows.find(({ verdict }) => verdict.status === 'rejected')
    pages = everyPage(rejected?.key ?? '', await firstCluster(it.folder))
  })
  after(() => it[Symbol.asyncDispose]())

  test('asks for one, says when it is wrong, and lets in whoever has the right one until he signs out', async () => {
    await using visitor = await it.openVisitor()
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
    await using visitor = await it.openVisitor()
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
    await using visitor = await it.openVisitor()
    const { page } = visitor
    await visitor.visit('/')
    await page.getByLabel('Token').fill('for-operators')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('By source').waitFor()
    await it.up.process.kill()
    await page.getByText('Headwater does not answer.').waitFor()
    await using _ = (await startUp(it.folder)).process
    await page.getByRole('heading', { name: 'Sign in to Headwater' }).waitFor()
  })
})
