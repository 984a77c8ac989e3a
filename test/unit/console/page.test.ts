import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { glob, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, after, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { temporaryFolder } from '../../support/temp.ts'

const root = join(import.meta.dirname, '../../..')
const page = join(root, 'src/console/page')
const MAX_GZIPPED = 60_000

describe('the page of the console, built', async () => {
  const folder = await temporaryFolder()
  const text = (file: string): Promise<string> => readFile(join(folder.path, file), 'utf8')

  before(async () => {
    const vite = join(root, 'node_modules/vite/bin/vite.js')
    const args = [vite, 'build', '--configLoader', 'native', '--outDir', folder.path]
    await promisify(execFile)(process.execPath, args, { cwd: root })
  })
  after(() => folder[Symbol.asyncDispose]())

  test('is less than 60 kB of JavaScript, gzipped', async () => {
    const scripts = (await readdir(folder.path, { recursive: true })).filter((file) => file.endsWith('.js'))
    const sizes = await Promise.all(scripts.map(async (file) => gzipSync(await text(file)).length))
    const total = sizes.reduce((sum, size) => sum + size, 0)
    assert.ok(scripts.length > 1, 'the charts are a script of their own')
    assert.ok(total < MAX_GZIPPED, `${total} bytes`)
  })

  test('has neither scripts nor styles within its document', async () => {
    const html = await text('index.html')
    assert.match(html, /<script type="module" crossorigin src="\/assets\//)
    assert.doesNotMatch(html, /<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|javascript:|data:/)
  })
})

test('the page puts text only into text nodes, and has no styles within its elements', async () => {
  const forbidden =
    /innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|srcdoc|\beval\b|new Function|\bstyle=/
  const found: string[] = []
  for await (const file of glob('**/*.{ts,tsx}', { cwd: page })) {
    const match = forbidden.exec(await readFile(join(page, file), 'utf8'))
    if (match) found.push(`${file}: ${match[0]}`)
  }
  assert.deepEqual(found, [])
})
