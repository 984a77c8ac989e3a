import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { startProgram } from '../../support/cli.ts'
import { DOCUMENTS, PRESETS, type Taken } from '../../support/hostile-items.ts'

/** Far less than each of them took when JSON.parse, the schema's list of errors or a pattern were left to it. */
const HEAP_MB = 400

/** What the canonical preset says of each. The other presets find no review in most of them. */
const CODES: Readonly<Record<keyof typeof DOCUMENTS, string>> = {
  'levels in a field that nobody reads': 'accepted',
  'levels in every field': 'invalid_review_id',
  'levels of objects in every field': 'invalid_review_id',
  'levels in a list': 'invalid_images',
  'nothing but levels': 'unreadable',
  'opening brackets alone': 'unreadable',
  'levels beyond counting': 'unreadable',
  'empty objects beyond counting': 'unreadable',
  'empty lists beyond counting': 'unreadable',
  'numbers beyond counting': 'unreadable',
  'a list of many wrong entries': 'invalid_images',
  'a list of many texts to be trimmed': 'invalid_images',
  'many keys': 'accepted',
  'a key of 8 MiB': 'accepted',
  'a text of 20 MB': 'invalid_title',
  'a text of 20 MB in a list': 'invalid_images',
  'escapes of 10 MB in a list': 'invalid_images',
  'a time of 20 MB': 'invalid_review_timestamp',
  'a pile of marks': 'invalid_title',
  'a pile of marks that fits': 'accepted',
  'an error without end': 'missing_review_id',
  'an error of 8 MiB': 'missing_review_id',
  'an envelope without end': 'missing_review_id',
  'a range of ratings without end': 'missing_review_id',
  'a day written in marks': 'missing_review_id',
  'control characters': 'unreadable',
}

describe('a hostile document, such as took the process down or kept it for hours', () => {
  const program = join(import.meta.dirname, '../../support/hostile-items.ts')
  const taking = startProgram(process.execPath, [`--max-old-space-size=${HEAP_MB}`, program])
  after(() => taking[Symbol.asyncDispose]())

  for (const document of Object.keys(DOCUMENTS)) {
    test(`${document}: it is taken in ${HEAP_MB} MB, its raw comes back, and its events are no flood`, async () => {
      for (const preset of PRESETS) {
        const { codes, growth } = await taking.waitFor((line) => {
          const taken = JSON.parse(line) as Taken
          return taken.document === document && taken.preset === preset ? taken : undefined
        })
        if (preset === 'canonical') assert.deepEqual(codes, { [CODES[document] ?? '']: 1 })
        assert.ok(growth < 2.6, `${preset}: ${growth} times as long`)
      }
    })
  }

  test('no other than these was taken, and the program ends by itself', async () => {
    const { code, stdout, stderr } = await taking.exited
    assert.equal(code, 0, stderr)
    assert.equal(stdout.trimEnd().split('\n').length, Object.keys(DOCUMENTS).length * PRESETS.length)
  })
})
