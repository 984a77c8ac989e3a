import { ServerResponse } from 'node:http'

type WriteHead = (this: ServerResponse, ...given: unknown[]) => ServerResponse

const writeHead = Reflect.get(ServerResponse.prototype, 'writeHead') as WriteHead

// Preloaded into a process: it ends as in a power cut at the very moment at which it would answer 202, which is after the
// queue has everything and before the sender knows.
const dying: WriteHead = function (...given) {
  if (given[0] === 202) process.kill(process.pid, 'SIGKILL')
  return writeHead.apply(this, given)
}
Reflect.set(ServerResponse.prototype, 'writeHead', dying)
