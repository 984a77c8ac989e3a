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

export function keysOf(records: readonly { readonly key: string }[]): string[] {
  return records.map(({ key }) => key)
}
