/** Every queue there is, by the `type` of the config. A client library is loaded only when its queue is chosen. */
export const queues = {
  embedded: () => import('./embedded/index.ts'),
  pubsub: () => import('./pubsub/index.ts'),
} as const
