import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { run, startProgram } from '../support/cli.ts'
import { temporaryFolder } from '../support/temp.ts'

/** What the shell offers behind these words, the last of which may be unfinished. */
async function offered(script: string, words: readonly string[]): Promise<string[]> {
  const line = `. '${script}'; COMP_WORDS=(headwater ${words.map((word) => `'${word}'`).join(' ')})
COMP_CWORD=${words.length}; _headwater; printf '%s\\n' "\${COMPREPLY[@]}"`
  await using shell = startProgram('bash', ['--norc', '-c', line], { cwd: join(script, '..') })
  const { code, stdout, stderr } = await shell.exited
  assert.deepEqual([code, stderr], [0, ''])
  return stdout.split('\n').filter(Boolean)
}

describe('completion in bash', async () => {
  const folder = await temporaryFolder()
  const script = join(folder.path, 'completion.bash')
  after(() => folder[Symbol.asyncDispose]())
  before(async () => writeFile(script, (await run(['completion', 'bash'])).stdout))

  for (const [words, expected] of [
    [['re'], ['reviews', 'replay', 'restore']],
    [['dlq', 'c'], ['clusters']],
    [['--json', 'dlq', 'cl'], ['clusters']],
    [['dlq', 'list', '--clu'], ['--cluster']],
    [['tail', '--gr'], ['--group']],
    [['reviews', 'history', '--sou'], ['--source']],
    [['completion', 'f'], ['fish']],
    [['import', 'completion.b'], ['completion.bash']],
    [['up', '--da'], ['--data']],
  ] as const) {
    test(`headwater ${words.join(' ')}⇥`, async () => {
      assert.deepEqual(await offered(script, words), expected)
    })
  }
})

test('completion for fish names every command with what it does', async () => {
  const { stdout } = await run(['completion', 'fish'])
  assert.match(stdout, /^complete -c headwater -f -n '.*' -a up -d 'run everything in one process/m)
  assert.match(
    stdout,
    /^complete -c headwater -n '__fish_seen_subcommand_from dlq; and .* list' -l cluster -d /m,
  )
})

test('a shell that is not known is refused', async () => {
  const { code, stderr } = await run(['completion', 'cmd'])
  assert.equal(code, 2)
  assert.match(stderr, /Allowed choices are bash, zsh, fish/)
})
