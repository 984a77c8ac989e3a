import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import { HeadwaterError } from '../../src/errors.ts'
import type { Entry, Registry } from '../../src/stores/registry.ts'
import { shareByLeases } from './leases.ts'

export interface RegistryHarness {
  /** Two opens of one name are two sessions on one registry; a new name is an empty registry. */
  readonly open: (name: string) => Promise<Registry>
  /** Promises this adapter can't be held to here, and why. */
  readonly skip?: Readonly<Record<string, string>>
  /** The longest that one promise may take. */
  readonly patienceMs?: number
}

/** Every registry keeps these promises. The titles are the contract. */
export function registryConformance(name: string, harness: RegistryHarness): void {
  const { open, skip = {}, patienceMs = 60_000 } = harness

  function promise(
    title: string,
    run: (registry: Registry, reopen: () => Promise<Registry>) => Promise<void>,
  ): void {
    test(title, { skip: skip[title] ?? false, timeout: patienceMs }, async () => {
      const unique = `test-${randomUUID()}`
      await using registry = await open(unique)
      await run(registry, () => open(unique))
    })
  }

  describe(`${name} registry`, () => {
    promise('gives back what was set, in every session', async (registry, reopen) => {
      await using other = await reopen()
      assert.equal(await registry.get('a'), undefined)
      assert.equal(await registry.compareAndSet('a', 0, bytes('one')), true)
      const entry = await other.get('a')
      assert.equal(entry?.name, 'a')
      assert.deepEqual(entry?.value, bytes('one'))
      assert.ok(entry !== undefined && entry.revision > 0)
    })

    promise('creates only what is absent', async (registry) => {
      assert.equal(await registry.compareAndSet('a', 0, bytes('one')), true)
      assert.equal(await registry.compareAndSet('a', 0, bytes('two')), false)
      assert.deepEqual((await registry.get('a'))?.value, bytes('one'))
    })

    promise('replaces only what has not changed since', async (registry) => {
      await registry.compareAndSet('a', 0, bytes('one'))
      const seen = await revision(registry, 'a')
      assert.equal(await registry.compareAndSet('a', seen, bytes('two')), true)
      assert.equal(await registry.compareAndSet('a', seen, bytes('three')), false)
      assert.notEqual(await revision(registry, 'a'), seen)
      assert.deepEqual((await registry.get('a'))?.value, bytes('two'))
    })

    promise('lets one of 50 writers at the same time win', async (registry, reopen) => {
      await using second = await reopen()
      await using third = await reopen()
      const sessions = [registry, second, third]
      for (let round = 0; round < 3; round++) {
        const seen = await revision(registry, 'a')
        const calls = Array.from({ length: 50 }, (_, n) =>
          (sessions[n % 3] ?? registry).compareAndSet('a', seen, bytes(`${round} ${n}`)),
        )
        const won = (await Promise.all(calls)).flatMap((isWon, n) => (isWon ? [`${round} ${n}`] : []))
        assert.equal(won.length, 1)
        assert.equal((await second.get('a'))?.value.toString(), won[0])
      }
    })

    promise('loses no increment of 3 sessions that count together', async (registry, reopen) => {
      await using second = await reopen()
      await using third = await reopen()
      await Promise.all([registry, second, third].map((session) => count(session, 'counter', 20)))
      assert.equal((await registry.get('counter'))?.value.toString(), '60')
    })

    promise('removes only what has not changed since', async (registry) => {
      await registry.compareAndSet('a', 0, bytes('one'))
      const seen = await revision(registry, 'a')
      await registry.compareAndSet('a', seen, bytes('two'))
      assert.equal(await registry.remove('a', seen), false)
      assert.equal(await registry.remove('a', 0), false)
      assert.equal(await registry.remove('b', 0), false)
      assert.deepEqual((await registry.get('a'))?.value, bytes('two'))
      assert.equal(await registry.remove('a', await revision(registry, 'a')), true)
      assert.equal(await registry.get('a'), undefined)
    })

    promise('takes a name that was removed and set again for another entry', async (registry) => {
      await registry.compareAndSet('a', 0, bytes('one'))
      const seen = await revision(registry, 'a')
      await registry.remove('a', seen)
      await registry.compareAndSet('a', 0, bytes('two'))
      assert.equal(await registry.compareAndSet('a', seen, bytes('three')), false)
      assert.equal(await registry.remove('a', seen), false)
    })

    promise('lists the names with a prefix in their order, and no others', async (registry) => {
      const names = ['b/2', 'a', 'b/10', 'b/1', 'c', 'b', 'b0', 'b/ü', 'b/\u{1f600}']
      for (const name of names) await registry.compareAndSet(name, 0, bytes(`value of ${name}`))
      const listed = await Array.fromAsync(registry.list('b/'))
      assert.deepEqual(
        listed.map(({ name }) => name),
        ['b/1', 'b/10', 'b/2', 'b/ü', 'b/\u{1f600}'],
      )
      for (const { name, value } of listed) assert.equal(value.toString(), `value of ${name}`)
      assert.equal((await Array.fromAsync(registry.list(''))).length, names.length)
      assert.deepEqual(await Array.fromAsync(registry.list('d')), [])
    })

    promise('lists 1,000 names while they are removed', async (registry) => {
      const names = Array.from({ length: 1_000 }, (_, n) => `n/${String(n).padStart(4, '0')}`)
      await Promise.all(names.map((name) => registry.compareAndSet(name, 0, bytes(name))))
      const listed: Entry[] = []
      for await (const entry of registry.list('n/')) {
        listed.push(entry)
        if (listed.length % 100 === 0) await registry.remove(entry.name, entry.revision)
      }
      assert.deepEqual(
        listed.map(({ name }) => name),
        names,
      )
      assert.equal((await Array.fromAsync(registry.list('n/'))).length, 990)
    })

    promise('keeps an empty value, any bytes, and 1 MB', async (registry) => {
      for (const value of [Buffer.alloc(0), Buffer.from([0, 0xff, 0]), randomBytes(1024 * 1024)]) {
        await registry.compareAndSet('a', await revision(registry, 'a'), value)
        assert.ok((await registry.get('a'))?.value.equals(value))
        assert.ok((await Array.fromAsync(registry.list('a')))[0]?.value.equals(value))
      }
    })

    promise('takes names of up to 1,500 bytes', async (registry) => {
      const longest = 'ü'.repeat(750)
      assert.equal(await registry.compareAndSet(longest, 0, bytes('one')), true)
      assert.deepEqual((await registry.get(longest))?.value, bytes('one'))
    })

    promise('refuses a name that it can not keep', async (registry) => {
      for (const name of ['', 'x'.repeat(1_501), '\ud800']) {
        const isRefused = (error: unknown) =>
          error instanceof HeadwaterError && error.code === 'REGISTRY_NAME_INVALID'
        await assert.rejects(registry.compareAndSet(name, 0, bytes('one')), isRefused)
        await assert.rejects(registry.get(name), isRefused)
      }
    })

    promise(
      'fences leases, whatever the clocks of their owners show and whoever is paused',
      async (registry, reopen) => {
        await using second = await reopen()
        await using third = await reopen()
        await shareByLeases([registry, second, third])
      },
    )

    promise('has everything after it was closed and opened again', async (registry, reopen) => {
      await registry.compareAndSet('a', 0, bytes('one'))
      const seen = await revision(registry, 'a')
      await registry[Symbol.asyncDispose]()
      await registry[Symbol.asyncDispose]()
      await using again = await reopen()
      assert.deepEqual((await again.get('a'))?.value, bytes('one'))
      assert.equal(await again.compareAndSet('a', seen, bytes('two')), true)
    })
  })
}

/** Adds one, `times` times, whoever else does. */
export async function count(registry: Registry, name: string, times: number): Promise<void> {
  for (let done = 0; done < times; ) {
    const entry = await registry.get(name)
    const next = Number(entry?.value.toString() ?? 0) + 1
    if (await registry.compareAndSet(name, entry?.revision ?? 0, bytes(String(next)))) done++
  }
}

async function revision(registry: Registry, name: string): Promise<number> {
  return (await registry.get(name))?.revision ?? 0
}

function bytes(text: string): Buffer {
  return Buffer.from(text)
}
