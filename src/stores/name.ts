import { HeadwaterError } from '../errors.ts'

const MOST_BYTES = 1_500

/** Throws `REGISTRY_NAME_INVALID` for what no registry takes as a name. */
export function checkName(name: string): void {
  const length = Buffer.byteLength(name)
  if (name.isWellFormed() && length > 0 && length <= MOST_BYTES) return
  throw new HeadwaterError(
    'REGISTRY_NAME_INVALID',
    `a name in the registry is 1 to ${MOST_BYTES} bytes of well-formed text, not ${length} bytes: ` +
      JSON.stringify(name.slice(0, 80)),
  )
}
