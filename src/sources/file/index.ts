import { z } from 'zod'
import { bytes, duration } from '../../lib/fields.ts'
import type { SourceAdapter } from '../source.ts'
import { FORMATS } from './framing.ts'
import { openInput, STANDARD_INPUT } from './input.ts'
import { openListed } from './listed.ts'
import { openWatched } from './watched.ts'

const watching = z.strictObject({
  everyMs: duration()
    .prefault('2s')
    .meta({ description: 'How often the folders are looked at. Looking takes at most a tenth of the time.' }),
  settleMs: duration().prefault('10s').meta({
    description:
      'A file is complete once its size and time have not changed for so long. 0 where complete files are moved in.',
  }),
})

const config = z
  .strictObject({
    files: z.array(z.string().min(1)).min(1).meta({
      description:
        'Paths and globs, read in this order; gzip and zstd are inflated. `-` alone is the standard input.',
    }),
    format: z.enum(FORMATS).optional().meta({
      description: 'Told by the name or the first bytes of each file, unless given.',
    }),
    watch: z
      .union([z.boolean().transform((isOn) => (isOn ? watching.parse({}) : undefined)), watching])
      .prefault(false)
      .meta({
        description:
          'Whether files that appear are read, too; the source then never ends. A folder stands for all in it.',
      }),
    batchItems: z
      .int()
      .min(1)
      .max(100_000)
      .default(500)
      .meta({ description: 'How many reviews are handed over together, at most.' }),
    maxItemBytes: bytes().prefault('64MiB').meta({
      description: 'Of a larger line, document or row only the beginning is kept, as a dead letter.',
    }),
  })
  .refine(({ files, watch }) => !files.includes(STANDARD_INPUT) || (files.length === 1 && !watch), {
    path: ['files'],
    message: 'expected the standard input, -, to be read alone and not to be watched',
  })

export type FileConfig = z.output<typeof config>

/** Files of JSON, NDJSON, CSV or TSV, streamed. A restart goes on where it was; a file that is done is not read again. */
const file: SourceAdapter<FileConfig> = {
  config,
  async open({ files, watch, ...limits }, context) {
    if (files.includes(STANDARD_INPUT)) return openInput(limits, context)
    return watch ? openWatched(files, watch, limits, context) : openListed(files, limits, context)
  },
}

export default file
