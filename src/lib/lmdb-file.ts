import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { endianness } from 'node:os'

/**
 * What is wrong with an LMDB data file, as a sentence; undefined where nothing is found, and where there is no file yet.
 * Told without LMDB, which takes a page for what it should be and is ended by the system where it is not.
 *
 * `head` looks at the beginning and where each table begins; `all` at every page that leads to others, and so does `head` where
 * the file is shorter than it may be. What lies in the pages is not judged: whoever wrote it has checksums of its own.
 */
export function faultIn(path: string, depth: 'head' | 'all'): string | undefined {
  const file = open(path)
  if (file === undefined || endianness() === 'BE') return undefined
  try {
    for (let attempt = 0; ; attempt++) {
      const head = readHead(file)
      if (typeof head === 'string') return head
      const isShort = head.lastPage >= head.pages
      const fault = faultInTrees(file, head, depth === 'all' || isShort ? Infinity : 1)
      // Whoever writes meanwhile moves pages about.
      const after = fault === undefined ? head : readHead(file)
      const isMoved = typeof after === 'object' && after.transaction !== head.transaction
      if (!isMoved) return fault
      if (attempt === MAX_ATTEMPTS) return undefined
    }
  } finally {
    closeSync(file)
  }
}

const MAX_ATTEMPTS = 3
const MAGIC = 0xbeefc0de
const VERSION = 2
const NO_PAGE = 0xffff_ffff_ffff_ffffn

const PAGE_HEADER_BYTES = 24
const NODE_HEADER_BYTES = 8
const TREE_BYTES = 48
const BRANCH = 0x01
const LEAF = 0x02
const BIG_DATA = 0x01
const SUB_TREE = 0x02

/** What the newer of the two pages at the beginning says. */
interface Head {
  readonly pageBytes: number
  /** How many pages the file has. */
  readonly pages: number
  readonly lastPage: number
  readonly transaction: bigint
  /** Of the free pages, and of everything else. */
  readonly roots: readonly bigint[]
}

function open(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch {
    return undefined // LMDB tells why, if it is there and can't be read
  }
}

function readHead(file: number): Head | string {
  const first = read(file, 0, PAGE_HEADER_BYTES + 160)
  if (first === undefined) {
    const { size } = fstatSync(file)
    return size === 0
      ? 'it is empty (if the folder was never used, remove it)'
      : `it has ${size} bytes, too few for a beginning`
  }
  const pageBytes = first.readUInt32LE(PAGE_HEADER_BYTES + 24)
  const isSize = pageBytes >= 256 && pageBytes <= 65_536
  const second = isSize ? read(file, pageBytes, PAGE_HEADER_BYTES + 160) : undefined
  if (!isMeta(first) || second === undefined || !isMeta(second))
    return 'it does not begin as LMDB begins a file'
  const newer = transactionOf(second) > transactionOf(first) ? second : first
  return {
    pageBytes,
    // Looked at last: others may write meanwhile, and a file has all that its beginning leads to before that says so.
    pages: Math.floor(fstatSync(file).size / pageBytes),
    lastPage: Number(newer.readBigUInt64LE(PAGE_HEADER_BYTES + 120)),
    transaction: transactionOf(newer),
    roots: [newer.readBigUInt64LE(PAGE_HEADER_BYTES + 64), newer.readBigUInt64LE(PAGE_HEADER_BYTES + 112)],
  }
}

const isMeta = (page: Buffer): boolean =>
  page.readUInt32LE(PAGE_HEADER_BYTES) === MAGIC &&
  (page.readUInt32LE(PAGE_HEADER_BYTES + 4) & 0xffff) === VERSION

const transactionOf = (page: Buffer): bigint => page.readBigUInt64LE(PAGE_HEADER_BYTES + 128)

function faultInTrees(file: number, { pageBytes, pages, roots }: Head, maxDepth: number): string | undefined {
  /** Pages to look at, and how far down each is. */
  const open: [page: bigint, depth: number][] = roots.flatMap((root) => (root === NO_PAGE ? [] : [[root, 0]]))
  let looked = 0
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [number, depth] = next
    if (depth > maxDepth) continue
    if (++looked > pages) return 'its pages lead to each other in circles'
    if (number >= BigInt(pages)) return `it has ${pages} pages, and page ${number} is missing: it was cut off`
    const page = read(file, Number(number) * pageBytes, pageBytes)
    const below = page && pagesBelow(page, number)
    if (below === undefined) return `page ${number} is not what it should be`
    for (const { first, count, isTree } of below) {
      if (isTree) open.push([first, depth + 1])
      else if (first + count > BigInt(pages))
        return `it has ${pages} pages, and page ${first + count - 1n} is missing: it was cut off`
    }
  }
  return undefined
}

/** Pages that a page leads to: one that leads on, or some that hold one large value. */
interface Below {
  readonly first: bigint
  readonly count: bigint
  readonly isTree: boolean
}

/** Undefined where the page can't be one of a tree. */
function pagesBelow(page: Buffer, number: bigint): readonly Below[] | undefined {
  const kind = page.readUInt16LE(18) & (BRANCH | LEAF)
  const lower = page.readUInt16LE(20)
  const upper = page.readUInt16LE(22)
  const room = page.length - PAGE_HEADER_BYTES
  const isPage = page.readBigUInt64LE(0) === number && (kind === BRANCH || kind === LEAF)
  if (!isPage || lower % 2 === 1 || lower > upper || upper > room) return undefined
  const below: Below[] = []
  for (let entry = 0; entry < lower; entry += 2) {
    const at = PAGE_HEADER_BYTES + page.readUInt16LE(PAGE_HEADER_BYTES + entry)
    if (at + NODE_HEADER_BYTES > page.length) return undefined
    const found = kind === BRANCH ? childOf(page, at) : dataOf(page, at)
    if (found === undefined) return undefined
    if (found !== 'inside') below.push(found)
  }
  return below
}

function childOf(page: Buffer, at: number): Below {
  const top = BigInt(page.readUInt16LE(at + 4)) << 32n
  return { first: top | BigInt(page.readUInt32LE(at)), count: 1n, isTree: true }
}

/** Where the value of an entry lies; undefined where it can't be. */
function dataOf(page: Buffer, at: number): Below | 'inside' | undefined {
  const flags = page.readUInt16LE(at + 4)
  const data = at + NODE_HEADER_BYTES + page.readUInt16LE(at + 6)
  if ((flags & BIG_DATA) !== 0) {
    if (data + 24 > page.length) return undefined
    return { first: page.readBigUInt64LE(data), count: page.readBigUInt64LE(data + 16), isTree: false }
  }
  const size = page.readUInt32LE(at)
  if (data + size > page.length) return undefined
  if ((flags & SUB_TREE) === 0) return 'inside'
  if (size !== TREE_BYTES) return undefined
  const root = page.readBigUInt64LE(data + 40)
  return root === NO_PAGE ? 'inside' : { first: root, count: 1n, isTree: true }
}

/** Undefined where the file ends before. */
function read(file: number, position: number, length: number): Buffer | undefined {
  const bytes = Buffer.alloc(length)
  return readSync(file, bytes, 0, length, position) === length ? bytes : undefined
}
