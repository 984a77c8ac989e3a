import { access, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import file from '../../src/sources/file/index.ts'
import type { SourceContext } from '../../src/sources/source.ts'
import { sourceConformance } from './source.ts'

const ITEMS = Array.from({ length: 10 }, (_, n) => `{"review_id":"R${n}"}`)
const TEXT = ITEMS.join('\n')
const about = { items: ITEMS.length, origin: 'acme', source: 'shop', kind: 'file' }

/** A file that is there before the first start, and not written again by a restart. */
async function fileIn({ dataDir }: SourceContext): Promise<string> {
  const path = join(dataDir, 'reviews.ndjson')
  await access(path).catch(() => writeFile(path, TEXT))
  return path
}

const open = (settings: object, context: SourceContext) =>
  file.open(file.config.parse({ batchItems: 3, ...settings }), context)

sourceConformance('file', {
  ...about,
  open: async (_, context) => open({ files: [await fileIn(context)] }, context),
})

sourceConformance('watched file', {
  ...about,
  async open(_, context) {
    await fileIn(context)
    return open({ files: [context.dataDir], watch: { everyMs: '5ms', settleMs: '20ms' } }, context)
  },
})

const FROM_ITS_BEGINNING = 'a pipe has no place to go on from: whoever sends it again sends all of it'

sourceConformance('standard input', {
  ...about,
  open: async (_, context) =>
    open({ files: ['-'] }, { ...context, stdin: Readable.from([Buffer.from(TEXT)]) }),
  skip: {
    'does not hand back what was acknowledged': FROM_ITS_BEGINNING,
    'goes on where it was after a restart': FROM_ITS_BEGINNING,
    'accepts acknowledgements after reading has stopped': FROM_ITS_BEGINNING,
    'takes an acknowledgement twice for one': FROM_ITS_BEGINNING,
  },
})
