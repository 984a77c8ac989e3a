import { readFile } from 'node:fs/promises'
import { HeadwaterError } from '../../errors.ts'
import { isProduct, type Products } from './config.ts'

/**
 * The products to ask for, each once. In a file they stand one a line; blank lines and what follows a `#` at the
 * beginning of a line are left out. Throws where the file can't be read, or names none.
 */
export async function readProducts(products: Products): Promise<readonly string[]> {
  if (!('file' in products)) return [...new Set(products)]
  const { file } = products
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new HeadwaterError('FILE_UNREADABLE', `products.file ${file}: ${why}`, { cause })
  })
  const lines = text.split('\n').map((line, n) => ({ number: n + 1, product: line.trim() }))
  const named = lines.filter(({ product }) => product !== '' && !product.startsWith('#'))
  const wrong = named.find(({ product }) => !isProduct(product))
  if (wrong || named.length === 0) {
    const found = wrong ? `another text in line ${wrong.number}` : 'none'
    const message = `products.file ${file}: expected a product of up to 256 characters a line, found ${found}`
    throw new HeadwaterError('CONFIG_INVALID', message)
  }
  return [...new Set(named.map(({ product }) => product))]
}
