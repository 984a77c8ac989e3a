/** The versions of reviews that were handed over last, so that they needn't be again. Bounded, and saved as a short text. */
export interface Window {
  has(version: string): boolean
  add(version: string): void
  /** What `openWindow` takes. */
  encode(): string
}

const BYTES = 8

/** Versions are 16 hex digits. With more than `capacity` of them the oldest is forgotten, and is handed over again. */
export function openWindow(saved: string, capacity = 512): Window {
  const bytes = Buffer.from(saved, 'base64')
  const versions = new Set<string>()
  for (let at = 0; at + BYTES <= bytes.length; at += BYTES)
    versions.add(bytes.toString('hex', at, at + BYTES))

  return {
    has: (version) => versions.has(version),
    add(version) {
      // What was seen again is young again.
      versions.delete(version)
      versions.add(version)
      const [oldest] = versions
      if (versions.size > capacity && oldest !== undefined) versions.delete(oldest)
    },
    encode: () => Buffer.from([...versions].join(''), 'hex').toString('base64'),
  }
}
