import { z } from 'zod'
import { bytes } from '../../lib/fields.ts'
import type { SourceAdapter } from '../source.ts'
import { findFiles } from './files.ts'
import { readFile } from './reader.ts'

const config = z.strictObject({
  files: z
    .array(z.string().min(1))
    .min(1)
    .meta({ description: 'Paths and globs, read in this order; gzip and zstd are inflated.' }),
  format: z.enum(['json', 'ndjson', 'csv']).optional().meta({
    description: 'Told by the name or the first bytes of each file, unless given. A `.tsv` is CSV with tabs.',
  }),
  batchItems: z
    .int()
    .min(1)
    .max(100_000)
    .default(1_000)
    .meta({ description: 'How many reviews are handed over together, at most.' }),
  maxItemBytes: bytes()
    .prefault('64MiB')
    .meta({ description: 'Of a larger line, document or row only the beginning is kept, as a dead letter.' }),
})

export type FileConfig = z.output<typeof config>

/** Files of JSON, NDJSON or CSV, streamed. A restart goes on where it was; a file that is done is not read again. */
const file: SourceAdapter<FileConfig> = {
  config,
  async open({ files: patterns, ...limits }, context) {
    const files = await findFiles(patterns)
    const total = files.reduce((sum, { size }) => sum + size, 0)
    const disposed = new AbortController()
    let finished = 0
    let bytesRead = (): number => 0

    return {
      async *read({ signal }) {
        const stop = AbortSignal.any([signal, disposed.signal])
        const watch = (current: () => number): void => {
          bytesRead = current
        }
        try {
          for (const { path, absolute, size } of files) {
            const reading = { path, absolute, ...limits, context, stop, disposed: disposed.signal, watch }
            for await (const batch of readFile(reading)) {
              if (stop.aborted) return
              yield batch
              if (stop.aborted) return
            }
            finished += size
            bytesRead = () => 0
          }
        } catch (error) {
          if (!stop.aborted) throw error
        }
      },
      progress: () => ({ done: Math.min(finished + bytesRead(), total), total, unit: 'bytes' }),
      async [Symbol.asyncDispose]() {
        disposed.abort()
      },
    }
  },
}

export default file
