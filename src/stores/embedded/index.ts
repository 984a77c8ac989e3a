import { join } from 'node:path'
import { z } from 'zod'
import type { Context } from '../../adapter.ts'
import type { StoreAdapter } from '../store.ts'
import { openRegistry } from './registry.ts'
import { openStore } from './store.ts'

const config = z.strictObject({
  dir: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'The folder on a local disk that holds the store; the data folder unless told.' }),
})

type Config = z.infer<typeof config>

/** Keeps records and registry in two folders of the data folder. Needs nothing but a local disk. */
const embedded: StoreAdapter<Config> = {
  config,
  folders,
  open: (given, context) => openStore(folders(given, context).store),
  openRegistry: (given, context) => openRegistry(folders(given, context).registry),
}

function folders({ dir }: Config, { dataDir }: Pick<Context, 'dataDir'>) {
  return { store: join(dir ?? dataDir, 'store'), registry: join(dir ?? dataDir, 'registry') }
}

export default embedded
