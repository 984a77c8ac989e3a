import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nearest } from '../../../src/lib/nearest.ts'
import {
  formatBytes,
  formatCount,
  formatDuration,
  parseBytes,
  parseDuration,
  writeBytes,
  writeDuration,
} from '../../../src/lib/units.ts'

test('reads durations and nothing else', () => {
  const read = {
    '250ms': 250,
    '30s': 30_000,
    '5m': 300_000,
    '1h': 3_600_000,
    '7d': 604_800_000,
    '0.1s': 100,
    '0s': 0,
  }
  for (const [text, ms] of Object.entries(read)) assert.equal(parseDuration(text), ms, text)
  for (const text of ['', '30', 's', '-1s', '1e3s', '0.5ms', '1 h 5 m', 'soon', '10MiB', '1constructor']) {
    assert.equal(parseDuration(text), undefined, text)
  }
})

test('reads sizes and nothing else', () => {
  const read = {
    '512B': 512,
    '64KiB': 65_536,
    '10MiB': 10_485_760,
    '1GB': 1e9,
    '1.5GiB': 1_610_612_736,
    '1kB': 1_000,
  }
  for (const [text, size] of Object.entries(read)) assert.equal(parseBytes(text), size, text)
  for (const text of ['', '10', '10Mb', '0.5B', '9999999TiB', '1s'])
    assert.equal(parseBytes(text), undefined, text)
})

test('what is written is read back as the same number', () => {
  const number = fc.oneof(
    fc.maxSafeNat(),
    fc.nat(1_000).map((n) => n * 3_600_000),
    fc.nat(1_000).map((n) => n * 2 ** 20),
  )
  fc.assert(
    fc.property(number, (n) => parseDuration(writeDuration(n)) === n && parseBytes(writeBytes(n)) === n),
  )
  assert.deepEqual([90_000, 3_600_000, 0].map(writeDuration), ['90s', '1h', '0ms'])
  assert.deepEqual([10_485_760, 1e9, 1_001].map(writeBytes), ['10MiB', '1GB', '1001B'])
})

test('formats for people', () => {
  const spans = [340, 2_400, 59_960, 303_000, 5_400_000, 3_600_000, 187_200_000]
  assert.deepEqual(spans.map(formatDuration), [
    '340 ms',
    '2.4 s',
    '1 min',
    '5 min 3 s',
    '1 h 30 min',
    '1 h',
    '2 d 4 h',
  ])
  assert.deepEqual([512, 1_536, 10_485_760, 2 ** 50].map(formatBytes), [
    '512 B',
    '1.5 KiB',
    '10 MiB',
    '1024 TiB',
  ])
  assert.equal(formatCount(1_234_567), '1,234,567')
  assert.deepEqual(
    [0, 1, 1_234].map((count) => formatCount(count, 'dead letter')),
    ['0 dead letters', '1 dead letter', '1,234 dead letters'],
  )
})

test('finds the word that was meant, and none where nothing is close', () => {
  const known = ['every', 'embedded', 'max_items', 'path']
  assert.deepEqual(
    ['evrey', 'embeded', 'maxItems', 'paht', 'zebra'].map((word) => nearest(word, known)),
    ['every', 'embedded', 'max_items', 'path', undefined],
  )
})
