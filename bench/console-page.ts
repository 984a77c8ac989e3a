import type { Browser } from 'playwright-core'
import { chromiumProgram, openBrowser, openVisitor } from '../test/support/browser.ts'
import { openConsole } from './console-store.ts'
import { type Question, type Row } from './question.ts'

const VIEWS = 10

/** What a person waits for who opens a page of the console, from nothing to what the page is for. */
export const consolePage: Question = {
  name: 'console-page',
  asks: "How long does it take in Chromium, with nothing in its cache, from opening an address of the console until the page shows its data, over a store of so many records? Aimed at: a second for a million's.",
  async ask({ count }) {
    if (chromiumProgram.skip !== false) {
      process.stderr.write(`console-page: ${chromiumProgram.skip}\n`)
      return []
    }
    const records = 10 * count
    await using opened = await openConsole(records)
    const browser = await openBrowser()
    try {
      return await views(browser, opened.admin, records)
    } finally {
      await browser.close()
    }
  },
}

type Get = <T>(path: string) => Promise<T>

/** A search ends after a while, and the first one in a store that nobody has read yet may do so with nothing. */
async function acceptedKey(get: Get): Promise<string> {
  for (;;) {
    const { records } = await get<{ records: { key: string }[] }>('/api/reviews?status=accepted')
    if (records[0]) return records[0].key
  }
}

async function views(browser: Browser, admin: string, records: number): Promise<readonly Row[]> {
  const get: Get = async <T>(path: string) => (await (await fetch(admin + path)).json()) as T
  const [cluster] = await get<{ cluster: string }[]>('/api/clusters')
  const key = await acceptedKey(get)
  /** Pages, and what is seen on each once its data is there. */
  const pages: readonly (readonly [name: string, path: string, seen: string])[] = [
    ['no page but an answer of the API, for comparison', '/api/session', 'pre'],
    ['now', '/', '.figures'],
    ['sources', '/sources', 'main article'],
    ['reviews', '/reviews', '.results > li'],
    ['one review', `/reviews/${key}`, '.foreign-block'],
    ['dead letters', '/dead-letters', 'tbody tr'],
    ['one cluster', `/dead-letters/${cluster?.cluster}`, '.excerpt'],
    ['one cluster, with what its repair would do', `/dead-letters/${cluster?.cluster}`, 'article.sample'],
    ['replay', '/replay', 'main form'],
    ['settings', '/settings', '.promises li'],
  ]
  const times = pages.map((): number[] => [])
  // In turns, so that a machine that slows down slows all of them.
  for (let n = 0; n < VIEWS; n++) {
    for (const [at, [, path, seen]] of pages.entries()) {
      times[at]?.push(await opening(browser, admin, path, seen))
    }
  }
  return pages.map(([name], at) => {
    const sorted = (times[at] ?? []).toSorted((a, b) => a - b)
    const within = (share: number): number => sorted[Math.ceil(share * VIEWS) - 1] ?? Number.NaN
    return {
      of: `${name}, ${records.toLocaleString('en-US')} records`,
      figures: { 'p50 ms': within(0.5), 'p95 ms': within(0.95) },
    }
  })
}

/** Milliseconds until it is seen by somebody who has never been there. */
async function opening(browser: Browser, admin: string, path: string, seen: string): Promise<number> {
  await using visitor = await openVisitor(browser, admin)
  const from = performance.now()
  await visitor.page.goto(admin + path)
  await visitor.page.locator(seen).first().waitFor()
  return performance.now() - from
}
