import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { loadPreset } from '../../../src/presets/index.ts'
import { compileRules } from '../../../src/presets/rules.ts'
import { judge } from '../../../src/review/interpret.ts'
import { compareWithBefore, type Note, receivedNote } from '../../../src/sources/http-poll/presence.ts'
import { openVersions } from '../../../src/sources/http-poll/window.ts'
import { createMemoryRegistry } from '../../conformance/memory-registry.ts'

/** Looks one after the other, an hour apart, and what each says. */
async function looks(...shown: readonly (readonly string[])[]): Promise<string[][]> {
  const registry = createMemoryRegistry()
  const said: string[][] = []
  for (const [hour, reviews] of shown.entries()) {
    const look = { shown: new Set(reviews), at: hour, after: 3 }
    const compared = await compareWithBefore(registry, 'present/shop/B1', look)
    await compared.save()
    said.push(compared.notes.map(wordsOf))
  }
  return said
}

const wordsOf = ({ event, review, lastSeenAt }: Note): string => `${review} ${event} ${lastSeenAt}`

describe('a review', () => {
  test('is removed once, after three complete looks in a row without it', async () => {
    const said = await looks(['a', 'b'], ['a', 'b'], ['b'], ['b'], ['b'], ['b'])
    assert.deepEqual(said, [[], [], [], [], ['a removed 1'], []])
  })

  test('is not removed where it was missing now and then', async () => {
    const said = await looks(['a'], ['a'], [], [], ['a'], [], [], ['a'])
    assert.deepEqual(said.flat(), [])
  })

  test('is not removed where no two looks in a row have shown it', async () => {
    const said = await looks([], ['a'], [], ['a'], [], [], [], [])
    assert.deepEqual(said.flat(), [])
  })

  test('returns, and may be removed again', async () => {
    const said = await looks(['a'], ['a'], [], [], [], ['a'], [], [], [])
    assert.deepEqual(said.flat(), ['a removed 1', 'a returned 1', 'a removed 5'])
    assert.deepEqual(said[5], ['a returned 1'])
  })

  test('that is removed, returns and is removed again is told of by three records', async () => {
    const rules = compileRules(await loadPreset('canonical'))
    const source = { name: 'shop', origin: 'shop', clock: () => 0 }
    const told = (note: Note) => judge(receivedNote(note, 'B1', source), rules).key
    const keys = [
      told({ event: 'removed', review: '"R1"', lastSeenAt: 0 }),
      told({ event: 'returned', review: '"R1"', lastSeenAt: 0 }),
      told({ event: 'removed', review: '"R1"', lastSeenAt: 4 }),
    ]
    assert.equal(new Set(keys).size, 3)
    assert.equal(new Set(keys.map((key) => key.slice(0, 16))).size, 1)
  })

  test('is told of again where the look was not saved', async () => {
    const registry = createMemoryRegistry()
    const look = async (shown: string[]) =>
      compareWithBefore(registry, 'present/shop/B1', { shown: new Set(shown), at: 0, after: 1 })
    for (let n = 0; n < 2; n++) await (await look(['a'])).save()
    assert.deepEqual((await look([])).notes, (await look([])).notes)
    const removed = await look([])
    assert.deepEqual(removed.notes.map(wordsOf), ['a removed 0'])
    await removed.save()
    assert.deepEqual((await look([])).notes, [])
  })

  test('is removed and returned in turns, whatever is shown', async () => {
    const listing = fc.array(fc.subarray(['a', 'b', '__proto__', '7']), { maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(listing, async (shown) => {
        const last = new Map<string, string>()
        for (const words of (await looks(...shown)).flat()) {
          const [review = '', event = ''] = words.split(' ')
          assert.equal(event, last.get(review) === 'removed' ? 'returned' : 'removed')
          last.set(review, event)
        }
      }),
    )
  })
})

describe('the window of what was seen', () => {
  const version = (n: number): string => n.toString(16).padStart(16, '0')

  test('comes back out of its text, and forgets the oldest first', () => {
    const window = openVersions('', 3)
    for (const n of [1, 2, 3, 1, 4]) window.add(version(n))
    const again = openVersions(window.encode(), 3)
    assert.deepEqual(
      [1, 2, 3, 4].map((n) => again.has(version(n))),
      [true, false, true, true],
    )
  })

  test('takes a text that was cut or altered for what can be read of it', () => {
    const window = openVersions('')
    window.add(version(1))
    assert.ok(openVersions(`${window.encode()}AAAA`).has(version(1)))
    assert.equal(openVersions('!').encode(), '')
  })
})
