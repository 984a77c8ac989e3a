import assert from 'node:assert/strict'
import type { Preset } from '../../../src/presets/preset.ts'
import { compileRules, type RuleOptions } from '../../../src/presets/rules.ts'
import { createSplit } from '../../../src/presets/split.ts'
import { judge } from '../../../src/review/interpret.ts'
import type { Context } from '../../../src/review/received.ts'
import type { ReviewRecord } from '../../../src/review/record.ts'
import type { Review } from '../../../src/review/verdict.ts'

/** What a preset makes of a document: text as it is, anything else as JSON. */
export function judgeAll(preset: Preset, document: unknown, options: RuleOptions = {}): ReviewRecord[] {
  const bytes = Buffer.from(typeof document === 'string' ? document : JSON.stringify(document, undefined, 2))
  return [...createSplit(preset)(bytes)].map(({ raw, ...context }) => judgeOne(preset, raw, context, options))
}

/** What a preset makes of the records of a CSV file whose fields hold no newlines; the first line is the header. */
export function judgeRows(
  preset: Preset,
  delimiter: string,
  lines: readonly string[],
  options: RuleOptions = {},
): ReviewRecord[] {
  const [header = '', ...rows] = lines
  const columns = header.split(delimiter)
  return rows.map((row) => judgeOne(preset, Buffer.from(row), { columns, delimiter }, options))
}

/** The review of a record that must have been accepted. */
export function reviewOf(record: ReviewRecord | undefined): Review {
  assert.ok(record?.verdict.status === 'accepted', JSON.stringify(record?.verdict))
  return record.verdict.review
}

/** The code and the first complaint about a record that must have been rejected. */
export function reasonOf(record: ReviewRecord | undefined): { code: string; message: string } {
  assert.ok(record?.verdict.status === 'rejected', JSON.stringify(record?.verdict))
  return { code: record.verdict.code, message: record.verdict.errors[0]?.message ?? '' }
}

function judgeOne(
  preset: Preset,
  raw: Buffer,
  context: Partial<Context>,
  options: RuleOptions,
): ReviewRecord {
  const received = {
    origin: 'shop',
    receivedAt: 0,
    raw,
    context: { source: 'shop', kind: 'test', ...context },
  }
  return judge(received, compileRules(preset, options))
}
