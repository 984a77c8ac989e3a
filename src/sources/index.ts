/** Every kind of source there is, by the `type` of the config. It is loaded only when one is configured. */
export const sources = {
  'http-poll': () => import('./http-poll/index.ts'),
  'http-job': () => import('./http-job/index.ts'),
  webhook: () => import('./webhook/index.ts'),
  file: () => import('./file/index.ts'),
  simulator: () => import('./simulator/index.ts'),
} as const

export { isOwn, loadOwn } from './own.ts'
