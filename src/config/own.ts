import type { ZodType } from 'zod'
import { HeadwaterError } from '../errors.ts'
import { isOwn, loadOwn } from '../sources/index.ts'
import { isClosed } from './names.ts'
import { type Room, type Rooms, sourceFields } from './schema.ts'
import { fields, shapeOf } from './shape.ts'

/**
 * The adapter of a type: one of the room, or a user's own source, whose type is the absolute path of its module. Undefined
 * where there is none; throws CONFIG_INVALID for a module that is no source.
 */
export async function adapterOf(
  kind: keyof Rooms,
  type: string,
  room: Room,
): Promise<{ readonly config: ZodType } | undefined> {
  if (kind === 'sources' && isOwn(type)) return ownSource(type)
  return Object.hasOwn(room, type) ? (await room[type]?.())?.default : undefined
}

async function ownSource(path: string): Promise<{ readonly config: ZodType }> {
  const { config } = (await loadOwn(path)).default
  const shape = shapeOf(config)
  if (!isClosed(shape)) {
    throw new HeadwaterError(
      'CONFIG_INVALID',
      `${path}: expected config to be a z.strictObject, so that a mistyped key is told`,
    )
  }
  const taken = fields(shape).filter(({ key }) => Object.hasOwn(sourceFields.shape, key))
  if (taken.length === 0) return { config }
  const keys = taken.map(({ written }) => written).join(', ')
  throw new HeadwaterError('CONFIG_INVALID', `${path}: every source has ${keys} already; expected other keys`)
}
