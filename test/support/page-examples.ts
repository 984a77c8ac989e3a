import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { toCode } from '../../src/config/names.ts'
import { sectionShape } from '../../src/config/print.ts'
import { stores as all } from '../../src/stores/index.ts'

export interface PageExamples {
  /** The settings of its `store:` mappings, as an adapter gets them. */
  readonly stores: readonly object[]
  /** Its code blocks in one language. */
  blocks(language: string): readonly string[]
}

/** What the page of a store shows. */
export async function pageExamples(type: string): Promise<PageExamples> {
  const page = await readFile(join(import.meta.dirname, `../../docs/adapters/${type}.md`), 'utf8')
  const blocks = (language: string) =>
    [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, text = '']) => text)
  const shape = await sectionShape('stores', type, all)
  const stores = blocks('yaml').map((text) => {
    const { type: _, ...settings } = (parse(text) as { store: Record<string, unknown> }).store
    return toCode(settings, shape, [], (path) => {
      throw new Error(`${type}.md: nobody knows ${path.join('.')}`)
    }) as object
  })
  return { stores, blocks }
}
