import { connect } from 'node:net'

/** What came over one connection, and how it ended. */
export interface Connection extends Disposable {
  write(bytes: string | Uint8Array): void
  /** Resolves with all that came, once the pattern is found in it; rejects where the connection ends without. */
  received(pattern: RegExp): Promise<string>
  /** Resolves with all that came, once the other side has closed. */
  readonly closed: Promise<string>
}

/** Opens a connection on which a test writes what it likes, be it HTTP or not. */
export function openConnection(url: string): Connection {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  let text = ''
  let changed = Promise.withResolvers<void>()
  let isClosed = false
  const closed = Promise.withResolvers<string>()

  function tell(): void {
    changed.resolve()
    changed = Promise.withResolvers()
  }
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
    tell()
  })
  // A reset is an end like others: what came before it counts.
  socket.on('error', () => {})
  socket.on('close', () => {
    isClosed = true
    closed.resolve(text)
    tell()
  })

  return {
    write: (bytes) => void socket.write(bytes),
    closed: closed.promise,
    async received(pattern) {
      while (!pattern.test(text)) {
        if (isClosed) throw new Error(`closed without ${pattern}:\n${text}`)
        await changed.promise
      }
      return text
    },
    [Symbol.dispose]: () => void socket.destroy(),
  }
}

/** The head of a POST to this URL, with these header lines and the empty line behind them. */
export function head(url: string, ...lines: readonly string[]): string {
  const { host, pathname } = new URL(url)
  return [`POST ${pathname} HTTP/1.1`, `host: ${host}`, ...lines, '', ''].join('\r\n')
}

/** The statuses of all answers in what came over a connection, in order. */
export function statusesIn(text: string): readonly number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
}
