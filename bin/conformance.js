// What `import … from 'headwater/conformance'` leads to, in a clone and in a package.
import { existsSync } from 'node:fs'

const isClone = existsSync(new URL('../src/index.ts', import.meta.url))
const suite = isClone
  ? await import('../test/conformance/source.ts')
  : await import('../dist/test/conformance/source.js')

export const { sourceConformance } = suite
