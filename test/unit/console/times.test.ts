import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { isMoment, localOf, utcOf } from '../../../src/console/page/words.ts'

// Where no hour comes twice.
process.env['TZ'] = 'Asia/Kolkata'

const TIMES = { min: new Date('1980-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }

describe('a time of a search', () => {
  test('is put in as it is shown, with its seconds: they were cut', () => {
    fc.assert(
      fc.property(fc.date(TIMES), (time) => {
        const utc = time.toISOString()
        assert.ok(isMoment(utc))
        assert.match(localOf(utc), /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{3})?)?$/)
        assert.equal(utcOf(localOf(utc)), utc)
      }),
    )
    assert.match(localOf('2026-11-26T13:40:00Z'), /T\d\d:\d\d$/)
    assert.equal(utcOf(localOf('2026-11-26')), '2026-11-26T00:00:00.000Z')
  })

  test('that says how long ago is shown as it is: the field was empty', () => {
    for (const ago of ['7d', '12h', '8', 'never', '']) {
      assert.equal(isMoment(ago), false)
      assert.equal(localOf(ago), ago)
      assert.equal(utcOf(ago), ago)
    }
  })
})
