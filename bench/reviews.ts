import { createGenerator } from '../src/sources/simulator/generator.ts'

const SEQUENCE = { seed: 1, rate: 5, products: 200, duplicates: 0, edits: 0, invalid: 0.05 }
const STARTED_AT = Date.parse('2026-01-01T00:00:00Z')
const NEWLINE = Buffer.from('\n')

/** Invented reviews of about 680 bytes, one in twenty of them invalid, no two of them alike. */
const generator = createGenerator(SEQUENCE, STARTED_AT)

export const reviewAt = (index: number): Buffer => generator.at(index)

/** Those from `first` on, as NDJSON. */
export function linesFrom(first: number, count: number): Buffer {
  const parts: Buffer[] = []
  for (let index = first; index < first + count; index++) parts.push(generator.at(index), NEWLINE)
  return Buffer.concat(parts)
}
