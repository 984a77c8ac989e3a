import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, createClient } from '../../../src/sources/http/client.ts'
import { createSecrets } from '../../../src/sources/http/secrets.ts'
import { Trouble } from '../../../src/sources/http/trouble.ts'
import type { Validators } from '../../../src/sources/http/validators.ts'
import httpPoll from '../../../src/sources/http-poll/index.ts'
import { createTarget } from '../../../src/sources/http/target.ts'
import { openProvider, type Provider, type Reply } from '../../support/provider.ts'

const ETAG = 'W/"v1"'
const MODIFIED = 'Sun, 06 Nov 1994 08:49:37 GMT'

async function ask({ url }: Pick<Provider, 'url'>, validators?: Validators): Promise<Answer> {
  const config = httpPoll.config.parse({ url })
  const secrets = createSecrets(config)
  const client = createClient(config, secrets, Date.now)
  try {
    const target = createTarget(config, secrets).ask({ page: 1 })
    return await client.ask({ ...target, validators }, new AbortController().signal)
  } finally {
    await client.destroy()
  }
}

/** Has one page with these headers, and says so to whoever has it. */
const openConditional = (headers: Record<string, string>) =>
  openProvider(({ headers: asked }): Reply => {
    const has =
      asked['if-none-match'] === headers['etag'] && asked['if-modified-since'] === headers['last-modified']
    return has ? { status: 304, headers } : { headers, body: { reviews: [] } }
  })

for (const [what, headers, validators] of [
  ['an ETag', { etag: ETAG }, { etag: ETAG }],
  ['a date', { 'last-modified': MODIFIED }, { lastModified: MODIFIED }],
  ['both', { etag: ETAG, 'last-modified': MODIFIED }, { etag: ETAG, lastModified: MODIFIED }],
] as const) {
  test(`a page with ${what} is not sent again while it is the same`, async () => {
    await using provider = await openConditional(headers)
    const first = await ask(provider)
    assert.deepEqual([first.status, first.isUnchanged, first.validators], [200, false, validators])
    const second = await ask(provider, first.validators)
    assert.deepEqual([second.status, second.isUnchanged, second.validators], [304, true, validators])
    assert.equal(second.body.length, 0)
    const third = await ask(provider, { etag: '"another"' })
    assert.deepEqual([third.status, third.isUnchanged, third.body.toString()], [200, false, '{"reviews":[]}'])
  })
}

test('an answer that nothing has changed keeps the validators that it does not repeat', async () => {
  await using provider = await openProvider(() => ({ status: 304, headers: { etag: '"v2"' } }))
  const { validators } = await ask(provider, { etag: ETAG, lastModified: MODIFIED })
  assert.deepEqual(validators, { etag: '"v2"', lastModified: MODIFIED })
})

test('a page is asked for with its validators also where it is redirected', async () => {
  await using other = await openConditional({ etag: ETAG })
  await using provider = await openProvider(() => ({ status: 302, headers: { location: other.url } }))
  assert.equal((await ask(provider, { etag: ETAG })).isUnchanged, true)
})

test('that nothing has changed is refused where nobody asked', async () => {
  await using provider = await openProvider(() => ({ status: 304 }))
  await assert.rejects(ask(provider), (error) => error instanceof Trouble && error.status === 304)
})

test('what is no validator, or a long one, is not kept', async () => {
  for (const headers of [
    { etag: ['v1', '"v2"'] },
    { etag: 'v1' },
    { etag: `"${'x'.repeat(2_000)}"` },
    { 'last-modified': 'yesterday' },
  ]) {
    await using provider = await openProvider(() => ({ headers, body: {} }))
    assert.equal((await ask(provider)).validators, undefined)
  }
})
