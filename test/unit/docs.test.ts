import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { glob, readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '../..')
const guarantees = await readFile(join(root, 'docs/guarantees.md'), 'utf8')

test('every promise names tests, and each of them exists', async () => {
  const missing: string[] = []
  const promises = guarantees.split(/^## (?=\d)/m).slice(1)
  assert.deepEqual(
    promises.map((promise) => Number.parseInt(promise, 10)),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  )
  for (const promise of promises) {
    const named = [...promise.matchAll(/^\| \[[^\]]+\]\(\.\.\/(test\/[^)]+)\) \| (.+) \|$/gm)]
    if (named.length === 0) missing.push(`promise ${Number.parseInt(promise, 10)} names no test`)
    for (const [, file = '', title = ''] of named) {
      if (!(await titlesIn(file)).includes(title)) missing.push(`${file}: ${title}`)
    }
  }
  assert.deepEqual(missing, [])
})

test('every relative link leads somewhere', async () => {
  const broken: string[] = []
  for await (const path of glob('{*.md,{docs,src,test,bench,deploy,examples,schemas}/**/*.md}', {
    cwd: root,
  })) {
    const file = join(root, path)
    for (const target of linksIn(await readFile(file, 'utf8'))) {
      if (!(await leadsSomewhere(file, target))) broken.push(`${path}: ${target}`)
    }
  }
  assert.deepEqual(broken, [])
})

/** The titles that are written in a test file; what is filled in is `…`. */
async function titlesIn(file: string): Promise<readonly string[]> {
  const source = await readFile(join(root, file), 'utf8').catch(() => '')
  const titles = source.matchAll(
    /\b(?:test|promise|describe)\(\s*(?<quote>['"`])(?<title>.*?)(?<!\\)\k<quote>/g,
  )
  return [...titles].map(({ groups }) => (groups?.['title'] ?? '').replaceAll(/\$\{[^}]*\}/g, '…'))
}

function linksIn(markdown: string): readonly string[] {
  const text = markdown.replaceAll(/^```.*?^```/gms, '').replaceAll(/`[^`\n]*`/g, '')
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
  return targets.filter((target) => !/^[a-z]+:/.test(target))
}

async function leadsSomewhere(from: string, target: string): Promise<boolean> {
  const [path = '', heading] = target.split('#')
  const file = path === '' ? from : join(dirname(from), path)
  if (relative(root, file).startsWith('..') || !existsSync(file)) return false
  return heading === undefined || headingsIn(await readFile(file, 'utf8')).includes(heading)
}

/** The anchors of a document's headings, as they are made where the documents are shown. */
function headingsIn(markdown: string): readonly string[] {
  const headings = [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => title)
  return headings.map((title) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}
