/** What was asked for, or why there is none: a sentence for whoever runs this, and never with a secret in it. */
export type Answer<T = string> = { readonly value: T } | { readonly problem: string }

/** A service that keeps secrets: what the prefix of a reference, such as `aws-sm:`, stands for. */
export interface SecretManager {
  /** How a reference is written: `aws-sm:NAME#KEY`. */
  readonly form: string
  /** Whether a secret always has several members, so that a reference must name one. */
  readonly needsKey: boolean
  /** The package that `open` loads, where it is one that a plain install does not bring. */
  readonly library?: string
  /** The one name of a secret that may be written in several ways; undefined where no secret can have it. */
  fullName(written: string): string | undefined
  /** Loads the client library. Throws only what its `import()` throws. */
  open(env: Environment): Promise<ReadSecret>
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Fetches one secret by its full name, exactly as it is kept. Whatever goes wrong with the manager is the answer. */
export type ReadSecret = (name: string, signal: AbortSignal) => Promise<Answer>

/** What is kept as bytes, as text. A config has no place for anything else. */
export function textOf(bytes: Uint8Array): Answer {
  try {
    return { value: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) }
  } catch {
    return { problem: 'the secret is no UTF-8 text: keep binary data as base64' }
  }
}
