import assert from 'node:assert/strict'
import type { Running } from './cli.ts'

/**
 * Sends the ids of twenty reviews after another until some are refused and the process says that its disk is full, however busy the
 * machine is. Resolves to the ids that were promised to be kept, and to what the process said.
 */
export async function fillDisk(process: Running, send: (ids: readonly string[]) => Promise<number>) {
  const promised: string[] = []
  let isTold = false
  const told = process.waitFor(/DISK_FULL.*/).finally(() => {
    isTold = true
  })
  told.catch(() => {})
  for (let n = 0, isRefused = false; !isTold || !isRefused; n += 20) {
    const ids = Array.from({ length: 20 }, (_, i) => `R${n + i}`)
    const status = await send(ids)
    assert.ok(status === 202 || status === 503, String(status))
    if (status === 202) promised.push(...ids)
    isRefused ||= status === 503
  }
  const [line] = await told
  return { promised, line }
}
