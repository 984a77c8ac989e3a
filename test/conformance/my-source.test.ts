import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { sourceConformance } from 'headwater/conformance'
import outbox from '../../examples/my-source.ts'
import { writeOutbox } from '../support/outbox.ts'

const ITEMS = Array.from({ length: 1_200 }, (_, n) => `{"review_id":"R${n}"}`)

sourceConformance('example', {
  items: ITEMS.length,
  origin: 'shop',
  source: 'mine',
  kind: 'outbox',
  async open(_, context) {
    const database = join(context.dataDir, 'shop.db')
    if (!existsSync(database)) writeOutbox(database, ITEMS)
    return outbox.open({ database, everyMs: 10 }, context)
  },
})
