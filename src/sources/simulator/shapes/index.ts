import { bazaarvoice } from './bazaarvoice.ts'
import { canonical } from './canonical.ts'
import { rainforest } from './rainforest.ts'
import type { Shape } from './shape.ts'

/** In which providers' words it answers. */
export const shapes = { canonical, rainforest, bazaarvoice } as const satisfies Record<string, Shape>

export type ShapeName = keyof typeof shapes

export const SHAPES = Object.keys(shapes) as readonly ShapeName[]
