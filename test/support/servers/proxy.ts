import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A wire between clients and a server that can be cut and held. */
export interface TcpProxy extends AsyncDisposable {
  /** Where clients connect, on 127.0.0.1. */
  readonly port: number
  /** Resets every connection; new ones are taken. */
  cut(): void
  /** Holds what goes up to the server, down to the clients, or both: connections stay open. New ones are held as well. */
  stall(direction: 'up' | 'down' | 'both'): void
  /** Cuts every connection and refuses new ones. */
  down(): void
  /** Sends garbage to every client, once. */
  babble(bytes: Uint8Array): void
  /** Lets everything through again. */
  restore(): void
  /** How many connections are open. */
  readonly connections: number
}

/** Listens at `port`, or at any that is free. */
export async function startProxy(
  to: { readonly host?: string; readonly port: number },
  port = 0,
): Promise<TcpProxy> {
  const pairs = new Set<{ readonly client: Socket; readonly server: Socket }>()
  const held = { up: false, down: false }
  let isDown = false

  const listener = createServer((client) => {
    if (isDown) return void client.resetAndDestroy()
    const server = connect({ host: to.host ?? '127.0.0.1', port: to.port })
    const pair = { client, server }
    pairs.add(pair)
    for (const [from, into, direction] of [
      [client, server, 'up'],
      [server, client, 'down'],
    ] as const) {
      from.setNoDelay(true)
      from.on('data', (chunk) => {
        if (!into.write(chunk)) from.pause()
      })
      into.on('drain', () => {
        if (!held[direction]) from.resume()
      })
      from.on('error', () => {})
      from.on('end', () => into.end())
      from.on('close', () => {
        pairs.delete(pair)
        into.destroy()
      })
    }
    hold(pair)
  })
  listener.listen(port, '127.0.0.1')
  await once(listener, 'listening')

  function hold({ client, server }: { client: Socket; server: Socket }): void {
    if (held.up) client.pause()
    else client.resume()
    if (held.down) server.pause()
    else server.resume()
  }

  function cut(): void {
    for (const { client, server } of pairs) {
      client.resetAndDestroy()
      server.resetAndDestroy()
    }
  }

  return {
    port: (listener.address() as AddressInfo).port,
    cut,
    stall(direction) {
      held.up ||= direction !== 'down'
      held.down ||= direction !== 'up'
      pairs.forEach(hold)
    },
    down() {
      isDown = true
      cut()
    },
    babble(bytes) {
      for (const { client } of pairs) client.write(bytes)
    },
    restore() {
      isDown = false
      held.up = false
      held.down = false
      pairs.forEach(hold)
    },
    get connections() {
      return pairs.size
    },
    async [Symbol.asyncDispose]() {
      const closed = once(listener, 'close')
      listener.close()
      cut()
      await closed
    },
  }
}
