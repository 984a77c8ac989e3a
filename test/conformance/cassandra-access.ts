import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Logger } from '../../src/adapter.ts'
import { HeadwaterError } from '../../src/errors.ts'
import cassandra from '../../src/stores/cassandra/index.ts'
import { createTable } from '../../src/stores/cassandra/tables.ts'
import { clientOf, context, provisioned, settingsOf } from '../support/cassandra.ts'
import { accepted, acceptedVerdict, put, rejected } from '../support/records.ts'
import type { CassandraServer } from '../support/servers/cassandra.ts'
import { one } from '../support/store-reads.ts'

const SOON_MS = 10_000

/** What is said where it cannot work: within seconds, with the name of the setting. */
export function accessPromises(server: CassandraServer, keyspace: string): void {
  const settings = settingsOf(server, keyspace)

  async function refusal(changed: object, code: string, words: RegExp): Promise<void> {
    const config = cassandra.config.parse({ ...settings, ...changed })
    for (const what of ['open', 'openRegistry'] as const) {
      const startedAt = performance.now()
      const opened = cassandra[what](config, context).then((one) => one[Symbol.asyncDispose]())
      await assert.rejects(opened, (error: unknown) => {
        assert.ok(error instanceof HeadwaterError, String(error))
        assert.equal(error.code, code)
        assert.match(error.message, words)
        assert.doesNotMatch(error.message, /secret/)
        return true
      })
      assert.ok(performance.now() - startedAt < SOON_MS)
    }
  }

  describe('cassandra, where it cannot work', () => {
    test('names a wrong address', () =>
      refusal(
        { contactPoints: ['127.0.0.1:1'] },
        'STORE_UNAVAILABLE',
        /^store\.contact_points: .*127\.0\.0\.1:1\b/,
      ))

    test('names a wrong password', () =>
      refusal({ password: 'secret' }, 'STORE_REFUSED_ACCESS', /^store\.username, store\.password: /))

    test('names a wrong data centre', () =>
      refusal({ localDataCenter: 'nowhere' }, 'STORE_REFUSED_ACCESS', /^store\.local_data_center: .*nowhere/))

    test('names a keyspace that is missing', () =>
      refusal({ keyspace: 'nowhere' }, 'TABLES_MISSING', /^store\.keyspace: .*nowhere.*headwater provision/))

    test('names a table that is missing or different', async () => {
      const other = `${keyspace}_other`
      await provisioned(server, other)
      const client = await clientOf(server, other)
      const provisioning = (words: RegExp) => assert.rejects(provisioned(server, other), words)
      try {
        for (const table of ['by_product', 'registry']) await client.execute(`DROP TABLE ${table}`)
        await client.execute('ALTER TABLE reviews DROP rating')
        await refusal({ keyspace: other }, 'TABLES_MISSING', /by_product is missing|registry is missing/)
        await provisioning(/reviews\.rating was dropped/)
        await client.execute('DROP TABLE reviews')
        await client.execute('CREATE TABLE reviews (key text, raw blob, PRIMARY KEY (raw))')
        await provisioning(/reviews: expected PRIMARY KEY \(key\), found \(raw\)/)
      } finally {
        await client.execute(`DROP KEYSPACE ${other}`)
        await client.shutdown()
      }
    })

    test('names a table that goes missing while it is at work', async () => {
      const other = `${keyspace}_gone`
      const config = await provisioned(server, other)
      const client = await clientOf(server, other)
      try {
        await using store = await cassandra.open(config, context)
        const record = accepted(1)
        await put(store, [record])
        await client.execute('DROP TABLE reviews')
        await assert.rejects(one(store, record.key), {
          code: 'TABLES_MISSING',
          message: /^store\.keyspace: .*headwater provision/,
        })
      } finally {
        await client.execute(`DROP KEYSPACE ${other}`)
        await client.shutdown()
      }
    })

    test('adds the columns that a table lacks, and reads rows in which they are null', async () => {
      const older = `${keyspace}_older`
      const config = await provisioned(server, older)
      const client = await clientOf(server, older)
      try {
        await client.execute('DROP TABLE reviews')
        await client.execute(createTable(older, 'reviews').replace(' stored_at timestamp,', ''))
        await assert.rejects(cassandra.open(config, context), /reviews has no column stored_at timestamp/)
        await provisioned(server, older)
        await using store = await cassandra.open(config, context)
        const [record, dead] = [accepted(1), rejected(2, 'c'.repeat(16))]
        await put(store, [record, dead])
        assert.ok((await one(store, record.key))?.storedAt)
        await client.execute('DELETE stored_at FROM reviews WHERE key = ?', [dead.key])
        assert.equal(await store.amend(dead.key, 0, acceptedVerdict('R2', 'P2')), true)
        const { storedAt, verdict } = (await one(store, dead.key)) ?? {}
        assert.deepEqual([storedAt, verdict], [undefined, acceptedVerdict('R2', 'P2')])
      } finally {
        await client.execute(`DROP KEYSPACE ${older}`)
        await client.shutdown()
      }
    })

    test('is warned of a table that keeps the deletions of mended letters for long, and makes none', async () => {
      const older = `${keyspace}_grace`
      const warnings: string[] = []
      const warn = (_: object, message: string) => void warnings.push(message)
      const logger = { ...context.logger, warn } as Logger
      const provision = () =>
        cassandra.provision?.(cassandra.config.parse(settingsOf(server, older)), { ...context, logger })
      const client = await clientOf(server)
      try {
        await provision()
        assert.deepEqual(warnings, [])
        await client.execute(`ALTER TABLE ${older}.by_cluster WITH gc_grace_seconds = 864000`)
        await provision()
        assert.match(
          warnings.join(),
          /^\S+\.by_cluster keeps .*ALTER TABLE \S+ WITH gc_grace_seconds = 10800$/,
        )
      } finally {
        await client.execute(`DROP KEYSPACE ${older}`)
        await client.shutdown()
      }
    })

    test('names a user who may not write', async () => {
      const client = await clientOf(server)
      const username = `reader_of_${keyspace}`
      try {
        await client.execute(`CREATE ROLE ${username} WITH PASSWORD = 'secret' AND LOGIN = true`)
        await client.execute(`GRANT SELECT ON KEYSPACE ${keyspace} TO ${username}`)
        const changed = { username, password: 'secret' }
        await refusal(changed, 'STORE_REFUSED_ACCESS', /^store\.username: .*may not .*MODIFY/)
        await client.execute(`GRANT MODIFY ON KEYSPACE ${keyspace} TO ${username}`)
        // Nodes remember for some seconds what somebody may do.
        const allowed = cassandra.config.parse({ ...settings, ...changed })
        const giveUpAt = performance.now() + 30_000
        const open = (): ReturnType<typeof cassandra.open> =>
          cassandra.open(allowed, context).catch((error: unknown) => {
            if (performance.now() > giveUpAt) throw error
            return open()
          })
        await using _ = await open()
      } finally {
        await client.execute(`DROP ROLE ${username}`)
        await client.shutdown()
      }
    })

    test('encrypts, and names a certificate that is not trusted', { skip: noTls(server) }, async () => {
      const tls = { ca: server.own?.ca }
      await using _ = await cassandra.open(cassandra.config.parse({ ...settings, tls }), context)
      await refusal({ tls: {} }, 'STORE_REFUSED_ACCESS', /^store\.tls: /)
      await refusal({ tls: { ...tls, serverName: 'elsewhere' } }, 'STORE_REFUSED_ACCESS', /^store\.tls: /)
    })

    test('is opened no further once that is aborted', async () => {
      const stop = new AbortController()
      const reason = new Error('enough')
      const opening = cassandra.open(cassandra.config.parse(settings), { ...context, signal: stop.signal })
      stop.abort(reason)
      await assert.rejects(opening, reason)
    })
  })
}

function noTls({ own }: CassandraServer): string | false {
  return own ? false : 'it is not known whether this cluster encrypts'
}
