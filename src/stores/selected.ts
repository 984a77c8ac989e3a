import { findableBy } from '../review/verdict.ts'
import type { Scan, Stored } from './store.ts'

/** Whether a record, as it is now, is among those that a scan is about: an index may say what was so before. */
export function isSelected(record: Stored, scan: Scan): boolean {
  const { from = -Infinity, to = Infinity, where } = scan
  const { receivedAt } = record.received
  return receivedAt >= from && receivedAt < to && isOn(record, scan) && (where?.(record) ?? true)
}

function isOn({ key, verdict }: Stored, scan: Scan): boolean {
  switch (scan.by) {
    case 'time':
      return true
    case 'product':
      return findableBy(verdict).product === scan.product
    case 'cluster':
      return findableBy(verdict).cluster === scan.cluster
    case 'review':
      return key.startsWith(scan.half)
  }
}
