import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { createListeners } from '../../../src/console/listeners.ts'

interface Page extends Disposable {
  /** Resolves to what is told next. */
  next(): Promise<string>
}

/** A server whose pages listen to a number that rises whenever it is computed. */
async function openServer(everyMs: number) {
  let computed = 0
  const listeners = createListeners({
    event: 'now',
    tell: async () => ++computed,
    everyMs,
    most: 1_000,
    onTrouble: (error) => assert.fail(String(error)),
  })
  const server = createServer((_, response) => listeners.add(response))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo

  async function open(): Promise<Page> {
    const gone = new AbortController()
    const { body } = await fetch(`http://127.0.0.1:${port}`, { signal: gone.signal })
    assert.ok(body)
    const lines = body.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]()
    let text = ''
    return {
      async next() {
        for (;;) {
          const [event] = /event: now\ndata: .*\n\n/.exec(text) ?? []
          if (event !== undefined) {
            text = text.slice(text.indexOf(event) + event.length)
            return event.trimEnd().replace('event: now\ndata: ', '')
          }
          const { done, value } = await lines.next()
          assert.ok(done !== true, 'the stream has ended')
          text += value
        }
      },
      [Symbol.dispose]: () => gone.abort(),
    }
  }

  return {
    open,
    async [Symbol.asyncDispose]() {
      listeners.end()
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

describe('pages that listen', () => {
  test('and come anew are told what was told last: each made it be computed for everybody', async () => {
    await using server = await openServer(60_000)
    using first = await server.open()
    assert.equal(await first.next(), '1')
    for (let time = 0; time < 64; time++) {
      using page = await server.open()
      assert.equal(await page.next(), '1')
    }
  })

  test('are told again in their turn, also where the one before has gone', async () => {
    await using server = await openServer(20)
    {
      using page = await server.open()
      assert.equal(await page.next(), '1')
      assert.equal(await page.next(), '2')
    }
    using page = await server.open()
    const heard = [await page.next(), await page.next(), await page.next()].map(Number)
    assert.ok(heard[2] === (heard[0] ?? 0) + 2, heard.join())
  })
})
