import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as conformance from 'headwater/conformance'
import * as api from 'headwater'
import * as suite from '../conformance/source.ts'
import * as index from '../../src/index.ts'

test('the package gives what src/index.ts does, and nothing else', () => {
  assert.deepEqual({ ...api }, { ...index })
})

test('the conformance suite of sources is a part of the package', () => {
  assert.deepEqual({ ...conformance }, { ...suite })
})
