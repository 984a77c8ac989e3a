import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { run } from '../support/cli.ts'
import { json, lines } from '../support/pipeline.ts'
import { FIVE } from '../support/reviews.ts'
import { temporaryFolder } from '../support/temp.ts'

interface Group {
  readonly topic: string
  readonly group: string
  readonly backlog: number
  readonly holds: boolean
}

interface Event {
  readonly id: string
  readonly recordkey: string
}

async function imported(folder: string): Promise<void> {
  await writeFile(join(folder, 'five.ndjson'), FIVE.join('\n'))
  await json(['import', 'five.ndjson'], folder)
}

async function backlogs(folder: string): Promise<Record<string, number>> {
  const groups = await lines<Group>(['groups', 'list'], folder)
  return Object.fromEntries(groups.map(({ topic, group, backlog }) => [`${topic} ${group}`, backlog]))
}

describe('groups', () => {
  test('are listed with their backlog, made, read and removed', async () => {
    await using folder = await temporaryFolder()
    await imported(folder.path)
    await json(['groups', 'add', 'lake', '--hold'], folder.path)
    assert.deepEqual(await backlogs(folder.path), {
      'raw-reviews storage': 0,
      'raw-reviews lake': 3,
      'dead-letter-queue storage': 0,
    })
    await lines(['tail', '--group', 'lake', '--limit', '2'], folder.path)
    const people = await run(['groups', 'list'], { cwd: folder.path })
    assert.match(people.stdout, /^topic +group +backlog/)
    assert.match(people.stdout, /^raw-reviews +lake +[01] +- +yes/m)

    await json(['groups', 'remove', 'lake'], folder.path)
    assert.deepEqual(Object.keys(await backlogs(folder.path)), [
      'raw-reviews storage',
      'dead-letter-queue storage',
    ])
    const again = await run(['groups', 'remove', 'lake'], { cwd: folder.path })
    assert.deepEqual([again.code, again.stderr.startsWith('NOT_FOUND: there is no group lake')], [1, true])
    assert.equal((await run(['groups', 'remove', 'storage'], { cwd: folder.path })).code, 2)
  })

  test('a tail without a group leaves nothing behind', async () => {
    await using folder = await temporaryFolder()
    await imported(folder.path)
    const before = await backlogs(folder.path)
    assert.equal((await lines(['tail', '--limit', '3'], folder.path)).length, 3)
    assert.deepEqual(await backlogs(folder.path), before)
  })
})

describe('a replay', () => {
  test('reaches one group alone, with ids of its own', async () => {
    await using folder = await temporaryFolder()
    await imported(folder.path)
    await json(['groups', 'add', 'lake'], folder.path)
    const first = await lines<Event>(['tail', '--group', 'lake', '--limit', '3'], folder.path)
    const told = await json<{ published: number }>(['replay', '--to-group', 'lake'], folder.path)
    assert.equal(told.published, 3)
    assert.equal((await backlogs(folder.path))['raw-reviews storage'], 0)
    const second = await lines<Event>(['tail', '--group', 'lake', '--limit', '3'], folder.path)
    assert.deepEqual(keysOf(second), keysOf(first))
    assert.equal(new Set([...first, ...second].map(({ id }) => id)).size, 6)
    const unknown = await run(['replay', '--to-group', 'sea'], { cwd: folder.path })
    assert.deepEqual([unknown.code, /there is no group sea/.test(unknown.stderr)], [1, true])
  })

  test('into a file writes an event a line, and no file twice', async () => {
    await using folder = await temporaryFolder()
    await imported(folder.path)
    await json(['replay', '--to-file', 'events.ndjson'], folder.path)
    const text = await readFile(join(folder.path, 'events.ndjson'), 'utf8')
    const events = text.trimEnd().split('\n')
    assert.deepEqual(
      keysOf(events.map((line) => JSON.parse(line) as Event)),
      keysOf(await lines<Event>(['tail', '--limit', '3'], folder.path)),
    )
    const again = await run(['replay', '--to-file', 'events.ndjson'], { cwd: folder.path })
    assert.deepEqual([again.code, /is not written over/.test(again.stderr)], [2, true])
  })

  test('goes to one place, which is named', async () => {
    await using folder = await temporaryFolder()
    for (const args of [[], ['--to-all', '--to-topic', 'again']]) {
      const { code, stderr } = await run(['replay', ...args], { cwd: folder.path })
      assert.deepEqual([code, /expected one of --to-group/.test(stderr)], [2, true])
    }
  })
})

const keysOf = (events: readonly Event[]): string[] => events.map(({ recordkey }) => recordkey).toSorted()
