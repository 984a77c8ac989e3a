import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { eraseReviews } from '../../../src/services/erasing.ts'
import { purge, type Purged } from '../../../src/services/purge.ts'
import type { Rejected } from '../../../src/review/verdict.ts'
import { acceptedVerdict, put, rejected } from '../../support/records.ts'
import { openPlace, type Place } from '../../support/services.ts'
import { temporaryFolder } from '../../support/temp.ts'

const signal = new AbortController().signal
const discarded = { reason: 'a test', at: '2026-01-01T00:00:00.000Z' }

async function* found({ store }: Place, meanwhile: () => Promise<unknown>) {
  for await (const { records } of store.scan({ by: 'time' })) yield* records
  await meanwhile()
}

async function sum(portions: AsyncIterable<Purged>): Promise<Purged> {
  let [count, bytes] = [0, 0]
  for await (const portion of portions) {
    count += portion.count
    bytes += portion.bytes
  }
  return { count, bytes }
}

describe('purging', () => {
  test('leaves alone what was redriven since it was found: the review was erased', async () => {
    await using folder = await temporaryFolder()
    await using place = await openPlace(folder.path)
    const letters = [1, 2, 3].map((n) => rejected(n, 'c1'))
    await put(place.store, letters)
    for (const { key, verdict } of letters)
      assert.ok(await place.store.amend(key, 0, { ...(verdict as Rejected), discarded }))
    const [redriven] = letters
    assert.ok(redriven)
    const redrive = () => place.store.amend(redriven.key, 1, acceptedVerdict('R1', 'P1'))
    const bytes = letters.slice(1).reduce((total, { received }) => total + received.raw.length, 0)
    for (const dryRun of [true, false])
      assert.deepEqual(await sum(purge(found(place, redrive), { ...place, dryRun, signal })), {
        count: 2,
        bytes,
      })
    const left = await Array.fromAsync(found(place, async () => {}))
    assert.deepEqual(
      left.map(({ key, verdict }) => [key, verdict.status]),
      [[redriven.key, 'accepted']],
    )
  })

  test('leaves alone what was redriven while it was noted as being erased', async () => {
    await using folder = await temporaryFolder()
    await using place = await openPlace(folder.path)
    const letter = rejected(1, 'c1')
    await put(place.store, [letter])
    assert.ok(await place.store.amend(letter.key, 0, { ...(letter.verdict as Rejected), discarded }))
    const registry: Place['registry'] = {
      ...place.registry,
      async compareAndSet(name, ...rest) {
        if (name.startsWith('erasing/')) await place.store.amend(letter.key, 1, acceptedVerdict('R1', 'P1'))
        return place.registry.compareAndSet(name, ...rest)
      },
    }
    const nobody = async (): Promise<void> => {}
    const purged = await sum(purge(found(place, nobody), { ...place, registry, dryRun: false, signal }))
    assert.deepEqual(purged, { count: 0, bytes: 0 })
    assert.equal((await place.store.get([letter.key])).get(letter.key)?.verdict.status, 'accepted')
  })

  test('and erasing ask the store also where they find nothing: it finishes what was cut off', async () => {
    await using folder = await temporaryFolder()
    await using place = await openPlace(folder.path)
    const asked: (readonly string[])[] = []
    const store = { ...place.store, erase: async (keys: readonly string[]) => void asked.push(keys) }
    await sum(
      purge(
        found(place, async () => {}),
        { store, registry: place.registry, dryRun: false, signal },
      ),
    )
    await eraseReviews(['0'.repeat(16)], { store, registry: place.registry }, signal)
    assert.deepEqual(asked, [[], []])
  })
})
