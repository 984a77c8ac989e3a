import { hash } from 'node:crypto'
import { createGetter } from '../lib/pointer.ts'
import type { Fault } from './verdict.ts'

export interface ClusterOf {
  readonly origin: string
  readonly preset: string
  readonly code: string
  readonly fault: Fault | undefined
  readonly candidate: unknown
}

/** 16 hex digits that dead letters share when one fix would mend them all: same origin, rules, fault and shape of value. */
export function clusterOf({ origin, preset, code, fault, candidate }: ClusterOf): string {
  const { pointer = '', keyword = '' } = fault ?? {}
  const shape = shapeOf(createGetter(pointer)(candidate))
  return hash('sha256', JSON.stringify([origin, preset, code, pointer, keyword, shape]), 'hex').slice(0, 16)
}

/** What kind of value this is, without saying which: "4.0 out of 5 stars" is `"9.9 a a 9 a"`. */
export function shapeOf(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(patternOf(value.slice(0, 80)).slice(0, 40))
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

const patternOf = (text: string): string => text.replaceAll(/\p{L}+/gu, 'a').replaceAll(/\p{Nd}+/gu, '9')
