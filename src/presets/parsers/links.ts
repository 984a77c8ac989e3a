import { createGetter } from '../../lib/pointer.ts'
import type { Parser } from './parser.ts'

/** The addresses in a list, which may be texts or objects that say more about a picture or film. */
export const links: Parser = (value) =>
  Array.isArray(value) ? value.map((entry: unknown) => linkOf(entry)) : value

/** Where an object has its address; of several sizes, the largest of those that are known. */
const PLACES = [
  '/link',
  '/video',
  '/large_image_url',
  '/medium_image_url',
  '/small_image_url',
  '/Sizes/normal/Url',
].map(createGetter)

function linkOf(entry: unknown): unknown {
  const found = PLACES.map((get) => get(entry)).find((link) => link !== undefined && link !== null)
  return found ?? entry
}

/** The number of an app or its reviewer in an address of the App Store: `7` of /reviews/id7 and of /review?id=7&type=… */
export const storeId: Parser = (value) =>
  typeof value === 'string' ? /[/?&]id=?(\d+)(?!\w)/.exec(value)?.[1] : value
