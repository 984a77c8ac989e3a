import { z } from 'zod'
import { parseBytes, parseDuration } from './units.ts'

/** What a listener is bound to; written `127.0.0.1:8080` or `[::1]:8080`. */
export interface Address {
  readonly host: string
  readonly port: number
}

/**
 * Written `250ms`, `30s`, `5m`, `1h` or `7d`; read as milliseconds. A bare number is refused, since it could be seconds
 * as well as milliseconds; only 0 needs no unit. A key that ends in `Ms` in code is written without it. Give a default
 * with `.prefault('30s')`: it is documented as people write it.
 */
export function duration() {
  const expected = 'a duration such as 30s'
  return z
    .union([z.string(), z.literal(0)])
    .transform((value, context) => (value === 0 ? 0 : (parseDuration(value) ?? refuse(context, expected))))
    .meta({ unit: 'duration', expected })
}

/** Written `64KiB`, `10MiB` or `1GB`, or as a number of bytes; read as bytes. Give a default with `.prefault('10MiB')`. */
export function bytes() {
  const expected = 'a size such as 10MiB'
  const read = (value: string | number): number | undefined =>
    typeof value === 'string' ? parseBytes(value) : whole(value)
  return z
    .union([z.string(), z.number()])
    .transform((value, context) => read(value) ?? refuse(context, expected))
    .meta({ unit: 'bytes', expected })
}

/** Where to listen: a host and a port. */
export function address() {
  const expected = 'an address such as 127.0.0.1:8080'
  return z
    .string()
    .transform((text, context) => parseAddress(text) ?? refuse(context, expected))
    .meta({ unit: 'address', expected })
}

/** A text that no message, log or printed config ever shows. */
export function secret() {
  return z.string().min(1, 'must not be empty').meta({ secret: true })
}

/** Whether only this machine can reach a listener on this host. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

const whole = (value: number): number | undefined =>
  Number.isSafeInteger(value) && value >= 0 ? value : undefined

function refuse(context: z.RefinementCtx<unknown>, expected: string): never {
  context.addIssue({ code: 'custom', message: `expected ${expected}` })
  return z.NEVER
}

function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  return host === undefined || port > 65_535 ? undefined : { host, port }
}
