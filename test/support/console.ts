import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import { openBrowser, openVisitor, type Visitor } from './browser.ts'
import { eventually, lines, type Row, startUp, type Up, writeConfig } from './pipeline.ts'
import { temporaryFolder } from './temp.ts'

/** Everything in one process, in a folder of its own, and a browser to look at its console. */
export interface StartedConsole extends AsyncDisposable {
  readonly up: Up
  readonly folder: string
  /** Posts items, to its one webhook unless told, and waits until they are stored; resolves to all rows there are then. */
  bring(items: readonly string[], webhook?: string): Promise<readonly Row[]>
  openVisitor(options?: BrowserContextOptions): Promise<Visitor>
}

/** `sources`: lines of the config beside its webhook; `admin`: all settings of its listener, where they are not only a free port. */
export async function startConsole({ sources = '', admin = '' } = {}): Promise<StartedConsole> {
  await using opened = new AsyncDisposableStack()
  const { path: folder } = opened.use(await temporaryFolder())
  await writeConfig(folder, sources)
  if (admin !== '') {
    const file = join(folder, 'headwater.yaml')
    await writeFile(file, (await readFile(file, 'utf8')).replace(/admin: .*/, `admin: { ${admin} }`))
  }
  const up = await startUp(folder)
  opened.use(up.process)
  const browser: Browser = await openBrowser()
  opened.defer(() => browser.close())
  const resources = opened.move()
  return {
    up,
    folder,
    bring: (items, webhook = up.webhook) => bring(items, webhook, folder),
    openVisitor: (options) => openVisitor(browser, up.admin, options),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

async function bring(items: readonly string[], webhook: string, folder: string): Promise<readonly Row[]> {
  const before = await rowsIn(folder)
  const response = await fetch(webhook, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: items.join('\n'),
  })
  assert.equal(response.status, 202, await response.text())
  return eventually(async () => {
    const rows = await rowsIn(folder)
    return rows.length >= before.length + items.length ? rows : undefined
  }, `${items.length} items in the store`)
}

export const rowsIn = (folder: string): Promise<Row[]> =>
  lines<Row>(['reviews', 'list', '--limit', '10000'], folder)

interface Cluster {
  readonly cluster: string
}

export async function firstCluster(folder: string): Promise<string> {
  const clusters = await lines<Cluster>(['dlq', 'clusters'], folder)
  assert.ok(clusters[0], 'a cluster of dead letters')
  return clusters[0].cluster
}

/** The address of every page, with a record and a cluster that are there. */
export const everyPage = (key: string, cluster: string): ReadonlyMap<string, string> =>
  new Map([
    ['now', '/'],
    ['sources', '/sources'],
    ['reviews', '/reviews'],
    ['passport', `/reviews/${key}`],
    ['dead-letters', '/dead-letters'],
    ['cluster', `/dead-letters/${cluster}`],
    ['replay', '/replay'],
    ['settings', '/settings'],
    ['not-found', '/no-such-page'],
  ])
