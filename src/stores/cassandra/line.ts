import type { Client, ClientOptions } from 'cassandra-driver'

/** A client that is made anew once it has lost every node. */
export interface Line extends AsyncDisposable {
  /** Connects where there is no connected client. */
  client(): Promise<Client>
  /** Tells it of every request that failed. */
  failed(client: Client, error: unknown): void
}

/**
 * The client itself comes back from losing every node at once, with twice as many control connections each time, and after some
 * times not at all. So it is given up then.
 */
export function createLine(Driver: typeof Client, options: ClientOptions): Line {
  let current: Promise<Client> | undefined
  let isEnded = false

  async function connect(): Promise<Client> {
    const client = new Driver(options)
    client.on('hostDown', () => {
      if (client.getState().getConnectedHosts().length === 0) lose(client)
    })
    try {
      await client.connect()
    } catch (error) {
      void end(client)
      throw error
    }
    if (isEnded) void end(client)
    return client
  }

  function lose(client: Client): void {
    if (last !== client) return
    last = undefined
    current = undefined
    void end(client)
  }

  let last: Client | undefined

  return {
    client() {
      current ??= connect().then(
        (client) => (last = client),
        (error: unknown) => {
          current = undefined
          throw error
        },
      )
      return current
    },
    failed(client, error) {
      if (isLost(error)) lose(client)
    },
    async [Symbol.asyncDispose]() {
      isEnded = true
      const client = await current?.catch(() => undefined)
      if (client) await end(client)
    },
  }
}

/** No node was there to be asked, in contrast to nodes that were slow to answer. */
function isLost(error: unknown): boolean {
  if (!(error instanceof Error) || error.name !== 'NoHostAvailableError') return false
  const inner = Object.values(('innerErrors' in error ? error.innerErrors : undefined) ?? {}) as unknown[]
  return !inner.some((one) => one instanceof Error && /^(?:OperationTimedOut|Response)Error$/.test(one.name))
}

/** What there is inside of a client. Its own `shutdown` leaves timers and connections of a client that has lost its nodes, or has never had any. */
interface Inside {
  readonly controlConnection: {
    shutdown(): void
    on(event: 'newConnection', listener: () => void): void
    readonly connection?: { closeAsync(): Promise<void> } | null
  }
  readonly hosts?: { values(): readonly { shutdown(wait: boolean): Promise<void> }[] }
}

async function end(client: Client): Promise<void> {
  const { controlConnection, hosts } = client as unknown as Inside
  const closeControl = (): void => void controlConnection.connection?.closeAsync().catch(() => {})
  controlConnection.on('newConnection', closeControl)
  controlConnection.shutdown()
  await client.shutdown()
  closeControl()
  for (const host of hosts?.values() ?? []) host.shutdown(false).catch(() => {})
}
