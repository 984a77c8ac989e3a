import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { HeadwaterError } from '../errors.ts'

/** How a connection is encrypted. Paths are relative to the working folder. */
export const tlsFields = z.strictObject({
  ca: z.string().min(1).optional().meta({
    description: 'A PEM file with the authorities that are trusted; those of the system unless told.',
  }),
  cert: z.string().min(1).optional().meta({ description: 'A PEM file with our own certificate.' }),
  key: z.string().min(1).optional().meta({ description: 'A PEM file with the key of our certificate.' }),
  serverName: z.string().min(1).optional().meta({
    description: 'The name that the certificate of the server must have, where it is not the host.',
  }),
})

export type TlsConfig = z.output<typeof tlsFields>

/** What Node's `tls.connect` takes. */
export interface TlsOptions {
  readonly ca?: Buffer
  readonly cert?: Buffer
  readonly key?: Buffer
  readonly servername?: string
}

/** Reads the files. Throws `FILE_UNREADABLE`, which names the setting below `at`, such as `queue.tls`. */
export async function readTls({ ca, cert, key, serverName }: TlsConfig, at: string): Promise<TlsOptions> {
  async function read<Name extends string>(name: Name, path: string | undefined) {
    if (path === undefined) return {}
    try {
      return { [name]: await readFile(path) }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new HeadwaterError('FILE_UNREADABLE', `${at}.${name}: expected a PEM file: ${reason}`)
    }
  }
  return {
    ...(await read('ca', ca)),
    ...(await read('cert', cert)),
    ...(await read('key', key)),
    ...(serverName !== undefined && { servername: serverName }),
  }
}
