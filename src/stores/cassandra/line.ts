import type { Client, ClientOptions } from 'cassandra-driver'

/** A client that is made anew once it has lost every node. */
export interface Line extends AsyncDisposable {
  /** Connects where there is no connected client. */
  client(): Promise<Client>
  /** Tells it of every request that failed. */
  failed(client: Client, error: unknown): void
}

/**
 * A client that loses every node at once makes itself anew beside what it has, and neither ends the old half nor finds it again:
 * after a few times it does not come back, and keeps the process alive. So it is kept from that, and given up.
 */
export function createLine(Driver: typeof Client, options: ClientOptions): Line {
  let current: Promise<Client> | undefined
  let last: Client | undefined
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
    insideOf(client).controlConnection._initializeConnection = () =>
      Promise.reject(new Error('every node is lost'))
    if (isEnded) void end(client)
    return client
  }

  function lose(client: Client): void {
    if (last !== client) return
    last = undefined
    current = undefined
    void end(client)
  }

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

/** What there is in a client that its own `shutdown` forgets where connecting has failed. */
interface Inside {
  readonly controlConnection: {
    shutdown(): void
    _initializeConnection(): Promise<void>
    readonly connection?: { closeAsync(): Promise<void> } | null
  }
  readonly hosts?: { values(): readonly { shutdown(wait: boolean): Promise<void> }[] }
}

const insideOf = (client: Client): Inside => client as unknown as Inside

async function end(client: Client): Promise<void> {
  const { controlConnection, hosts } = insideOf(client)
  controlConnection.shutdown()
  await client.shutdown()
  controlConnection.connection?.closeAsync().catch(() => {})
  for (const host of hosts?.values() ?? []) host.shutdown(false).catch(() => {})
}
