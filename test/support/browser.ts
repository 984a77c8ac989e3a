import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { debianProgram } from './debian.ts'

/** Where Chromium is, or why the tests that need it are skipped. */
export const chromiumProgram = await debianProgram('chromium', 'chromium')

/** Where pictures of the pages are put, for a person to look at. */
const pictures = join(import.meta.dirname, '../browser/pictures')

export interface Visitor extends AsyncDisposable {
  readonly page: Page
  /** Every script error, message of the console and request that the page's policy refused, so far. */
  readonly complaints: readonly string[]
  /** The page at a path of the console, once its heading is there. */
  visit(path: string): Promise<void>
}

/** Chromium without a window and without talking to anybody by itself. */
export async function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumProgram.path,
    args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update'],
  })
}

/** Somebody at the console of a process, with a browser profile of his own. */
export async function openVisitor(
  browser: Browser,
  admin: string,
  options: BrowserContextOptions = {},
): Promise<Visitor> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    const isComplaint = message.type() === 'error' || message.type() === 'warning'
    // That something is not there, or not any more, is an answer that the page shows.
    if (isComplaint && !message.text().includes('status of 404')) complaints.push(message.text())
  })
  page.on('dialog', (dialog) => {
    complaints.push(`a dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  return {
    page,
    complaints,
    async visit(path) {
      await page.goto(admin + path)
      await page.locator('main h1').waitFor()
    },
    [Symbol.asyncDispose]: () => context.close(),
  }
}

/** Everything that axe finds against WCAG 2.2 AA, with where it is. */
export async function barriersOn(page: Page): Promise<readonly string[]> {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
  const { violations } = await new AxeBuilder({ page }).withTags(tags).analyze()
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${help}\n${html.slice(0, 300)}\n${failureSummary}`),
  )
}

/** Nothing sticks out to the side. */
export async function assertNoSidewaysScrolling(page: Page): Promise<void> {
  const [width, seen] = (await page.evaluate(
    '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
  )) as [number, number]
  assert.ok(width <= seen, `${page.url()} is ${width} px wide in a window of ${seen} px`)
}

export async function takePicture(page: Page, name: string): Promise<void> {
  await mkdir(pictures, { recursive: true })
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true })
}
