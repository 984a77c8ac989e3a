import type { Page, Scan, Store, Stored } from '../../src/stores/store.ts'

export async function one(store: Store, key: string): Promise<Stored | undefined> {
  return (await store.get([key])).get(key)
}

export async function pages(store: Store, scan: Scan): Promise<Page[]> {
  return Array.fromAsync(store.scan(scan))
}

export async function all(store: Store, scan: Scan): Promise<Stored[]> {
  return (await pages(store, scan)).flatMap(({ records }) => records)
}

/** How many there are, however many that is. */
export async function count(store: Store, scan: Scan): Promise<number> {
  let records = 0
  for await (const page of store.scan(scan)) records += page.records.length
  return records
}

export function keysOf(records: readonly { readonly key: string }[]): string[] {
  return records.map(({ key }) => key)
}
