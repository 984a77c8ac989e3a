// A source of your own: reads the outbox of a shop, a table of a SQLite database into which the shop writes each review as
// JSON in one transaction with its own tables. docs/sources-of-your-own.md explains it line by line.
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { duration, openCheckpoint, type SourceAdapter, z } from 'headwater'

const config = z.strictObject({
  database: z.string().meta({ description: 'The path of the SQLite database.' }),
  everyMs: duration().prefault('1s').meta({ description: 'How often it is asked for more.' }),
})

const outbox: SourceAdapter<z.output<typeof config>> = {
  config,
  async open({ database, everyMs }, context) {
    const { name: source, origin, clock, split } = context
    const checkpoint = await openCheckpoint(context, z.int())
    const db = new DatabaseSync(database, { readOnly: true })
    const select = db.prepare('SELECT id, body FROM outbox WHERE id > ? ORDER BY id LIMIT 500')
    return {
      async *read({ signal }) {
        for (let last = checkpoint.saved ?? 0; !signal.aborted; ) {
          const items = []
          for (const { id, body } of select.iterate(last)) {
            last = Number(id)
            const about = { source, kind: 'outbox', from: database, position: last }
            for (const { raw, ...told } of split(Buffer.from(String(body))))
              items.push({ origin, receivedAt: clock(), raw, context: { ...about, ...told } })
          }
          if (items.length > 0) yield { items, ack: checkpoint.handOver(last) }
          else await sleep(everyMs, undefined, { signal }).catch(() => {})
        }
      },
      async [Symbol.asyncDispose]() {
        if (db.isOpen) db.close()
      },
    }
  },
}

export default outbox
