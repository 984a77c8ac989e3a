// What `import … from 'headwater'` leads to: the sources of a clone, which need no build, or what was built for a package.
import { existsSync } from 'node:fs'

const isClone = existsSync(new URL('../src/index.ts', import.meta.url))
const api = isClone ? await import('../src/index.ts') : await import('../dist/src/index.js')

export const { bytes, duration, openCheckpoint, retry, secret, TransientError, z } = api
