import { readFile } from 'node:fs/promises'
import { besideSources } from './files.ts'

export interface Guarantee {
  readonly number: number
  readonly promise: string
  /** The titles of the tests that show it. */
  readonly tests: readonly string[]
}

/** What docs/guarantees.md promises; nothing where it is not there. */
export async function readGuarantees(): Promise<readonly Guarantee[]> {
  const text = await readFile(besideSources('docs/guarantees.md'), 'utf8').catch(() => '')
  return text
    .split(/^## (?=\d)/m)
    .slice(1)
    .map((section) => {
      const [title = ''] = section.split('\n', 1)
      const tests = [...section.matchAll(/^\| \[[^\]]+\]\([^)]+\) \| (.+) \|$/gm)]
      return {
        number: Number.parseInt(title, 10),
        promise: title.replace(/^\d+\. /, ''),
        tests: tests.map(([, test = '']) => test),
      }
    })
}
