import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { load } from '../../src/config/load.ts'
import { openPipeline, type Pipeline } from '../../src/pipeline.ts'
import { silent } from './queue-context.ts'
import { type Backends, eventually } from './pipeline.ts'

/** A pipeline in this process with a webhook and a console, and what is asked of its API. */
export interface Operators extends AsyncDisposable {
  readonly pipeline: Pipeline
  /** Where the admin listener is. */
  readonly url: string
  /** The answer as JSON, which has to be a good one. */
  ask<T = unknown>(path: string, options?: AskOptions): Promise<T>
  /** Whatever the answer is. */
  fetch(path: string, options?: AskOptions): Promise<Response>
  /** Posts items to the webhook and waits until they are stored. */
  bring(items: readonly string[]): Promise<void>
}

export interface AskOptions {
  readonly method?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface OperatorsOptions extends Backends {
  /** Of the admin section. */
  readonly admin?: object
  /** More sources, in YAML. */
  readonly sources?: string
  /** Done with the config before it is opened. */
  readonly prepare?: (path: string) => Promise<void>
}

/** A database of a test may be too busy for a moment: what changes nothing is asked for again, as the page does. */
const isLook = (path: string, { method = 'GET' }: AskOptions = {}): boolean =>
  method === 'GET' || path.endsWith('/preview')

export async function openOperators(folder: string, options: OperatorsOptions = {}): Promise<Operators> {
  const { admin = {}, sources = '', queue = { type: 'embedded' }, store = { type: 'embedded' } } = options
  const path = join(folder, 'headwater.yaml')
  await writeFile(
    path,
    `
sources:
  - { name: hook, type: webhook, path: /hooks/hook }
${sources}
queue: ${JSON.stringify(queue)}
store: ${JSON.stringify(store)}
http: { listen: "127.0.0.1:0" }
admin: ${JSON.stringify({ listen: '127.0.0.1:0', ...admin })}
`,
  )
  await options.prepare?.(path)
  const config = await load({ path, env: {}, args: { data: join(folder, 'data') } })
  const env = { config, logger: silent, signal: new AbortController().signal }
  const pipeline = await openPipeline(env, {
    ingestion: true,
    storage: true,
    listen: true,
    remember: false,
    clock: Date.now,
  })
  const { http = '', admin: url = '' } = pipeline.addresses

  function ask(path: string, { method = 'GET', body, headers = {} }: AskOptions = {}): Promise<Response> {
    const content = body === undefined ? {} : { 'content-type': 'application/json' }
    return fetch(url + path, {
      method,
      headers: { ...content, ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
  }

  return {
    pipeline,
    url,
    fetch: ask,
    async ask<T>(path: string, options?: AskOptions) {
      const { status, text } = await eventually(async () => {
        const response = await ask(path, options)
        const answer = { status: response.status, text: await response.text() }
        return isLook(path, options) && response.status === 503 ? undefined : answer
      }, `an answer to ${path}`)
      assert.ok(status >= 200 && status < 300, `${path}: ${status} ${text}`)
      return (text === '' ? undefined : JSON.parse(text)) as T
    },
    async bring(items) {
      const before = await pipeline.status()
      const response = await fetch(`${http}/hooks/hook`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson' },
        body: items.join('\n'),
      })
      assert.equal(response.status, 202, await response.text())
      await eventually(async () => {
        const { stored, rejected, unchanged } = await pipeline.status()
        const settled = stored + rejected + unchanged
        return settled - before.stored - before.rejected - before.unchanged >= items.length || undefined
      }, `${items.length} items to be stored`)
    },
    [Symbol.asyncDispose]: () => pipeline[Symbol.asyncDispose](),
  }
}
