import type { ZodType } from 'zod'

export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Everything an adapter may need from the outside. Never reach for a global. */
export interface Context {
  readonly logger: Logger
  /** Aborts the opening, not the life, of what is opened. */
  readonly signal: AbortSignal
  /** The data folder; embedded adapters keep a folder of their own in it. Exists. */
  readonly dataDir: string
}

/** How one backend or provider is configured, opened and set up. The default export of each adapter's file. */
export interface Adapter<Port, Config, Ctx extends Context = Context> {
  /** A strict object: an unknown key is an error. Without `type`. */
  readonly config: ZodType<Config>
  /** Resolves to something that works. There is no unconnected state to be in. */
  open(config: Config, context: Ctx): Promise<Port>
  /** Creates topics, tables and indexes. Safe to repeat. */
  provision?(config: Config, context: Ctx): Promise<void>
  /** The folders of this machine that hold all its data, by what they hold; where it keeps any. Each is an LMDB environment. */
  folders?(config: Config, context: Pick<Context, 'dataDir'>): Readonly<Record<string, string>>
}
