import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { HeadwaterError, TransientError } from '../../errors.ts'
import { duration } from '../../lib/fields.ts'
import { createGetter } from '../../lib/pointer.ts'
import { isAddress, PRODUCT } from './request.ts'

const product = z
  .string()
  .min(1)
  .max(256)
  .refine((text) => text.isWellFormed(), 'expected a well-formed text')

const list = z.array(product).min(1)
const file = z.strictObject({
  file: z.string().min(1).meta({ description: 'A text file that names a product a line.' }),
})
const SHORTEST_REFRESH_MS = 1_000
const url = z.strictObject({
  url: z.string().refine(isAddress, 'expected a URL such as https://shop.example.com/products').meta({
    description: 'Where products are named, a line each; or in JSON, see `items`.',
  }),
  items: z
    .string()
    .regex(/^\/.*$/, 'expected a JSON pointer such as /products')
    .optional()
    .meta({ description: 'A JSON pointer to the list of products.' }),
  refreshMs: duration()
    .refine((ms) => ms >= SHORTEST_REFRESH_MS, 'expected at least 1s')
    .prefault('10m')
    .meta({ description: 'How often the list is read again.' }),
})

/** Products that are read once. */
export const listedField = z
  .union([list, file])
  .optional()
  .meta({ description: `What \`${PRODUCT}\` stands for: a list, or \`{ file }\`.` })

/** Products that may change while a source runs. */
export const productsField = z
  .union([list, file, url])
  .optional()
  .meta({
    description: `What \`${PRODUCT}\` stands for: a list, \`{ file }\` or \`{ url }\`; files and URLs are read again and again.`,
  })

export type Listed = NonNullable<z.output<typeof listedField>>
export type Products = NonNullable<z.output<typeof productsField>>

const isProduct = (text: string): boolean => product.safeParse(text).success

/** The products that are asked for: a list that may change while the source runs. */
export interface ProductList {
  readonly products: readonly string[]
  /**
   * Resolves to the products once they are others than before; never, where they stand in the config. A list that can't be
   * read is told, once, and the last one counts until it can.
   */
  changed(signal: AbortSignal): Promise<readonly string[]>
}

export interface ProductListOptions {
  /** What is at a URL; only that of the host that it names is sent there. */
  readonly fetch: (url: string, signal: AbortSignal) => Promise<Buffer>
  readonly onTrouble: (error: HeadwaterError | undefined) => void
  readonly signal: AbortSignal
}

/** A file is looked at so often. */
const LOOK_EVERY_MS = 5_000

/** Throws where the list can't be read, or names nothing. */
export async function openProducts(
  products: Products,
  { fetch, onTrouble, signal: opening }: ProductListOptions,
): Promise<ProductList> {
  if (Array.isArray(products)) {
    const named = await readListed(products)
    return { products: named, changed: (signal) => sleep(NEVER_MS, named, { signal, ref: false }) }
  }
  const place = products
  let last = await read(opening)

  async function read(signal: AbortSignal): Promise<readonly string[]> {
    if ('file' in place) return readListed(place)
    const { url, items } = place
    const body = (await fetch(url, signal)).toString()
    return namedIn(items === undefined ? linesOf(body) : listIn(body, items, url), `products.url ${url}`)
  }

  return {
    products: last,
    async changed(signal) {
      const everyMs = 'url' in place ? place.refreshMs : LOOK_EVERY_MS
      while (true) {
        await sleep(everyMs, undefined, { signal, ref: false })
        try {
          const found = await read(signal)
          onTrouble(undefined)
          if (isSame(found, last)) continue
          last = found
          return found
        } catch (error) {
          signal.throwIfAborted()
          if (!(error instanceof HeadwaterError)) throw error
          onTrouble(error)
        }
      }
    },
  }
}

/** Each once. Throws where a file can't be read, or names none. */
export async function readListed(listed: Listed): Promise<readonly string[]> {
  if (Array.isArray(listed)) return [...new Set(listed)]
  return namedIn(linesOf(await textOf(listed.file)), `products.file ${listed.file}`)
}

/** As long as a timer takes. */
const NEVER_MS = 2 ** 31 - 1

async function textOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new HeadwaterError('FILE_UNREADABLE', `products.file ${file}: ${why}`, { cause })
  })
}

interface Named {
  readonly product: unknown
  readonly where: string
}

/** One a line; blank lines and what follows a `#` at the beginning of a line are left out. */
function linesOf(text: string): Named[] {
  const lines = text.split('\n').map((line, n) => ({ where: `line ${n + 1}`, product: line.trim() }))
  return lines.filter(({ product }) => product !== '' && !product.startsWith('#'))
}

/** The list at a pointer in JSON. */
function listIn(body: string, items: string, url: string): Named[] {
  try {
    const list: unknown = createGetter(items)(JSON.parse(body))
    if (Array.isArray(list)) return list.map((product: unknown, n) => ({ product, where: `item ${n + 1}` }))
  } catch {
    // Said below.
  }
  throw new TransientError('PAGE_UNREADABLE', `products.url ${url}: expected JSON with a list at ${items}`)
}

function namedIn(named: readonly Named[], from: string): readonly string[] {
  const wrong = named.find(({ product }) => typeof product !== 'string' || !isProduct(product))
  if (wrong || named.length === 0) {
    const found = wrong ? `another text in ${wrong.where}` : 'none'
    const message = `${from}: expected a product of up to 256 characters a line, found ${found}`
    throw new HeadwaterError('CONFIG_INVALID', message)
  }
  return [...new Set(named.map(({ product }) => product as string))]
}

const isSame = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((product, n) => product === b[n])
