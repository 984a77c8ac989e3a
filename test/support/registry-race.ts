import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { openRegistry } from './open-registry.ts'
import type { Answer, Order } from './registry-writer.ts'

const program = join(import.meta.dirname, 'registry-writer.ts')
const PROCESSES = 3
const ROUNDS = 5
const TIMES = 20

/**
 * Three processes with 17 writers each race to one entry, again and again, and then count together: one writer wins each time,
 * and no increment is lost. `module` is the adapter's own file. What a database could not tell for all the crowd may have been
 * done, and is no second winner.
 */
export async function raceOn(module: string, settings: object): Promise<void> {
  await using registry = await openRegistry(module, settings)
  const writers = Array.from({ length: PROCESSES }, () => fork(program, [module, JSON.stringify(settings)]))
  const tell = async (order: Order): Promise<Answer> => {
    const answers = writers.map(answerOf)
    for (const writer of writers) writer.send(order)
    const all = (await Promise.all(answers)) as Answer[]
    return { won: all.flatMap(({ won }) => won), unknown: all.flatMap(({ unknown }) => unknown) }
  }
  try {
    await Promise.all(writers.map(answerOf))
    for (let round = 0; round < ROUNDS; round++) {
      const from = (await registry.get('race'))?.revision ?? 0
      const { won, unknown } = await tell({ race: 'race', from })
      const entry = await registry.get('race')
      const value = entry?.value.toString() ?? ''
      assert.notEqual(entry?.revision ?? 0, from, 'somebody won')
      assert.deepEqual(won, won.length === 0 && unknown.includes(value) ? [] : [value])
    }
    const { unknown } = await tell({ count: 'counter', times: TIMES })
    const counted = Number((await registry.get('counter'))?.value.toString())
    const least = PROCESSES * TIMES
    assert.ok(counted >= least && counted <= least + unknown.length, `${counted}, ${unknown.length} unknown`)
  } finally {
    for (const writer of writers) writer.kill('SIGKILL')
  }
}

/** The next thing that it says; one that has ended says nothing more. */
async function answerOf(writer: ChildProcess): Promise<unknown> {
  const heard = new AbortController()
  const { signal } = heard
  const ended = once(writer, 'exit', { signal }).then(([code]) => {
    throw new Error(`the writer ended (${String(code)})`)
  })
  try {
    const [said] = (await Promise.race([once(writer, 'message', { signal }), ended])) as [unknown]
    return said
  } finally {
    heard.abort()
    ended.catch(() => {})
  }
}
