import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { chromiumProgram } from '../support/browser.ts'
import { startConsole, type StartedConsole } from '../support/console.ts'
import { review } from '../support/reviews.ts'

/** More than any page has places for the focus. */
const MOST_TABS = 100

describe('a person with a keyboard alone', { skip: chromiumProgram.skip }, async () => {
  let it: StartedConsole
  before(async () => {
    it = await startConsole()
    const stars = [1, 2, 3].map((n) => review(`R${n}`, { rating: `${n}.0 out of 5 stars` }))
    await it.bring([...stars, review('R6', { rating: 6 })])
  })
  after(() => it[Symbol.asyncDispose]())

  test('reaches a fault, redrives its letters, and is still on the page when the form has gone', async () => {
    await using visitor = await it.openVisitor()
    const { page } = visitor
    await visitor.visit('/')
    await tabTo(page, page.getByRole('link', { name: 'Dead letters' }))
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Dead letters', level: 1 }).waitFor()
    await page.locator('#main:focus').waitFor()

    await tabTo(page, page.getByRole('link', { name: /out of 5 stars/ }))
    await page.keyboard.press('Enter')
    await page.getByText('3 of 3 would pass').waitFor()
    await page.locator('#main:focus').waitFor()

    await tabTo(page, page.getByRole('button', { name: 'Redrive 3 letters' }))
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'None of these waits any more', level: 1 }).waitFor()
    await page.getByText('3 of 3 done: 3 passed, 0 did not', { exact: true }).waitFor()
    await page.locator('#main:focus').waitFor()
    assert.deepEqual(visitor.complaints, [])
  })

  test('keeps the focus on a button while it works, and has its opposite there afterwards', async () => {
    await using visitor = await it.openVisitor()
    const { page } = visitor
    await visitor.visit('/dead-letters')
    await tabTo(page, page.getByRole('link', { name: /at most 5/ }))
    await page.keyboard.press('Enter')
    await tabTo(page, page.getByLabel('Reason'))
    await page.keyboard.type('six is a fine number')
    await tabTo(page, page.getByRole('button', { name: 'Mute the fault' }))
    await page.keyboard.press('Enter')
    const unmute = page.getByRole('button', { name: 'Unmute' })
    await unmute.waitFor()
    assert.equal(await isFocused(page, unmute), true)
    await page.keyboard.press('Enter')
    const mute = page.getByRole('button', { name: 'Mute the fault' })
    await mute.waitFor()
    assert.equal(await isFocused(page, mute), true)
  })
})

/** Presses Tab until the focus is there; each place on the way must show that it has it. */
async function tabTo(page: Page, place: Locator): Promise<void> {
  await place.waitFor()
  for (let n = 0; n < MOST_TABS; n++) {
    await page.keyboard.press('Tab')
    const [name, outline] = (await page.evaluate(
      '[document.activeElement.outerHTML.slice(0, 200), getComputedStyle(document.activeElement).outlineStyle]',
    )) as [string, string]
    assert.equal(outline, 'solid', `the focus on ${name} is seen`)
    if (await isFocused(page, place)) return
  }
  assert.fail(`${String(place)} is not reached by Tab`)
}

async function isFocused(page: Page, place: Locator): Promise<boolean> {
  return (await place.and(page.locator(':focus')).count()) === 1
}
