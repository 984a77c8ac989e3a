import { ServerResponse } from 'node:http'

// Preloaded into a process: it ends as in a power cut at the very moment at which it would answer 202, which is after the
// queue has everything and before the sender knows.
const { writeHead } = ServerResponse.prototype
ServerResponse.prototype.writeHead = function (this: ServerResponse, ...given: unknown[]) {
  if (given[0] === 202) process.kill(process.pid, 'SIGKILL')
  return Reflect.apply(writeHead, this, given) as ServerResponse
} as typeof writeHead
