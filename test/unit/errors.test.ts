import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { CODES, HeadwaterError, TransientError } from '../../src/errors.ts'

const documentation = await readFile(join(import.meta.dirname, '../../docs/errors.md'), 'utf8')
const [, ...chapters] = documentation.split(/^## /m)
const sections = chapters.filter((chapter) => /^[A-Z_]+\n/.test(chapter))
const codeOf = (section: string): string => section.slice(0, section.indexOf('\n'))

test('every code is explained once, and no other', () => {
  assert.deepEqual(sections.map(codeOf).toSorted(), Object.keys(CODES).toSorted())
})

test('every explanation says what happened and what to do', () => {
  for (const section of sections) {
    assert.match(section, /^\*\*What happened\.\*\* \S/m, codeOf(section))
    assert.match(section, /^\*\*What to do\.\*\* \S/m, codeOf(section))
  }
})

test('an error carries its code, its kind and its cause', () => {
  const cause = new Error('socket closed')
  const error = new TransientError('DISK_FULL', 'no room', { cause, retryAfterMs: 5 })
  assert.ok(error instanceof HeadwaterError)
  assert.equal(error.name, 'TransientError')
  assert.deepEqual([error.code, error.retryAfterMs, error.cause], ['DISK_FULL', 5, cause])
})
