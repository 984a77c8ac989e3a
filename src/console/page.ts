import { readdir, readFile } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { besideSources } from './files.ts'
import { SAFE_HEADERS } from './safe-headers.ts'

/** The built page: small enough to be held in memory. */
export interface Page {
  readonly index: Buffer
  /** The other files by their paths, such as `/assets/main-1f3c.js`. */
  readonly files: ReadonlyMap<string, Buffer>
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
}

/** Only what this server itself serves runs or is shown: no script inside a page, nothing of another place. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

const HEADERS = { ...SAFE_HEADERS, 'content-security-policy': PAGE_POLICY } as const

/** Undefined where the page was not built. */
export async function readPage(folder = besideSources('dist/console')): Promise<Page | undefined> {
  const index = await readFile(join(folder, 'index.html')).catch(() => undefined)
  if (index === undefined) return undefined
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = new Map<string, Buffer>()
  for (const entry of entries.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name)
    files.set(path.slice(folder.length).replaceAll(sep, '/'), await readFile(path))
  }
  return { index, files }
}

/** Its files; every other address that a person may have is one of the page itself. */
export function servePage(
  app: FastifyInstance,
  { index, files }: Page,
): (reply: FastifyReply) => FastifyReply {
  for (const [path, bytes] of files) {
    if (path === '/index.html') continue
    app.get(path, (_, reply) =>
      reply
        .headers({ ...HEADERS, 'cache-control': isHashed(path) ? HASHED : 'no-cache' })
        .type(TYPES[extname(path)] ?? 'application/octet-stream')
        .send(bytes),
    )
  }
  const send = (reply: FastifyReply): FastifyReply =>
    reply
      .headers({ ...HEADERS, 'cache-control': 'no-cache' })
      .type(TYPES['.html'] ?? '')
      .send(index)
  app.get('/', (_, reply) => send(reply))
  return send
}

const HASHED = 'public, max-age=31536000, immutable'
const isHashed = (path: string): boolean => path.startsWith('/assets/')
