import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { HeadwaterError } from '../../src/errors.ts'

/** As much of an adapter as these promises need. */
interface AdapterModule {
  readonly default: { readonly config: Schema; provision?: unknown }
}

interface Schema {
  safeParse(value: unknown): { readonly success: boolean; readonly error?: { readonly message: string } }
}

export interface AdapterHarness {
  /** The room's list of adapters, and the adapter's own file. */
  readonly list: string
  readonly file: string
  /** The packages that only this adapter may load, and only once it is chosen. */
  readonly clients: readonly string[]
  /** Configs that a person might write, as the adapter gets them. */
  readonly examples: readonly object[]
  /** Opens the adapter where it can't work, and names the place. */
  readonly openUnusable: () => Promise<{ readonly place: string; readonly opened: Promise<AsyncDisposable> }>
  /** Provisions the same place each time. */
  readonly provision?: () => Promise<void>
  /** Promises this adapter can't be held to, and why. */
  readonly skip?: Readonly<Record<string, string>>
  /** How long an opening that fails may take. */
  readonly patienceMs?: number
}

/** Every adapter keeps these promises. The titles are the contract. */
export function adapterConformance(name: string, harness: AdapterHarness): void {
  const { list, file, clients, examples, openUnusable, provision, skip = {}, patienceMs = 1_000 } = harness

  function promise(title: string, run: () => Promise<void>): void {
    test(title, { skip: skip[title] ?? false, timeout: 30_000 + patienceMs }, run)
  }

  async function load(): Promise<AdapterModule['default']> {
    const module = (await import(pathToFileURL(file).href)) as AdapterModule
    return module.default
  }

  describe(`${name} adapter`, () => {
    promise('takes the configs that its page shows', async () => {
      const { config } = await load()
      for (const example of examples) {
        const { success, error } = config.safeParse(example)
        assert.ok(success, `${JSON.stringify(example)}: ${error?.message}`)
      }
    })

    promise('refuses a key it does not know, and names it', async () => {
      const { config } = await load()
      for (const example of examples) {
        const { success, error } = config.safeParse({ ...example, unheardOf: 1 })
        assert.equal(success, false)
        assert.match(error?.message ?? '', /unheardOf/)
      }
    })

    promise('loads its client only when it is chosen', async () => {
      const listed = await packagesLoadedBy(list)
      const chosen = await packagesLoadedBy(list, file, ...clients)
      for (const client of clients) {
        assert.ok(!listed.has(client), `${list} loads ${client}`)
        assert.ok(chosen.has(client), `the check itself must see ${client}`)
      }
    })

    promise('fails soon where it cannot work, and names the place', async () => {
      const { place, opened } = await openUnusable()
      const startedAt = performance.now()
      const error = await opened.then(undisturbed, (reason: unknown) => reason)
      const tookMs = performance.now() - startedAt
      assert.ok(error instanceof HeadwaterError, `expected a HeadwaterError, got ${String(error)}`)
      assert.ok(error.message.includes(place), `expected ${place} in "${error.message}"`)
      assert.ok(tookMs < patienceMs, `expected less than ${patienceMs} ms, took ${tookMs}`)
    })

    promise('can be provisioned twice', async () => {
      const adapter = await load()
      assert.equal(provision === undefined, adapter.provision === undefined, 'the harness must provision')
      await provision?.()
      await provision?.()
    })
  })
}

async function undisturbed(opened: AsyncDisposable): Promise<string> {
  await opened[Symbol.asyncDispose]()
  return 'something that opened'
}

/** Notes every module that is resolved, of either kind, in a process of its own. */
const SPY = `
  import { registerHooks } from 'node:module'
  const seen = []
  registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context)
      seen.push(found.url)
      return found
    },
  })
  for (const specifier of process.argv.slice(1)) await import(specifier)
  process.stdout.write(JSON.stringify(seen), () => process.exit())
`

async function packagesLoadedBy(...modules: readonly string[]): Promise<ReadonlySet<string>> {
  const specifiers = modules.map((module) => (module.startsWith('/') ? pathToFileURL(module).href : module))
  const argv = ['--input-type=module', '--eval', SPY, ...specifiers]
  const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd: import.meta.dirname })
  const urls = JSON.parse(stdout) as string[]
  return new Set(urls.flatMap((url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? []))
}
