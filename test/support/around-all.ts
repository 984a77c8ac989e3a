// Around all tests of a run, in the process that starts the others.
import { fetchServers } from './servers/fetch.ts'
import { temporaryFolder } from './temp.ts'

/** What Node has made of the sources: a thousand processes read the same ones, and stripping and compiling them is half a start. */
const compiled = await temporaryFolder()

export function globalSetup(): void {
  process.env['NODE_COMPILE_CACHE'] = compiled.path
  fetchServers()
}

export async function globalTeardown(): Promise<void> {
  await compiled[Symbol.asyncDispose]()
}
