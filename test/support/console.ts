import assert from 'node:assert/strict'
import { eventually, lines, type Row } from './pipeline.ts'

/** Posts an item, or a list of them, and waits until they are stored; resolves to all rows there are then. */
export async function bring(
  items: readonly string[],
  { webhook, folder }: { readonly webhook: string; readonly folder: string },
): Promise<readonly Row[]> {
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
