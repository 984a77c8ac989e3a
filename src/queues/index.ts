/** Every queue there is, by the `type` of the config. A client library is loaded only when its queue is chosen. */
export const queues = {
  embedded: () => import('./embedded/index.ts'),
  kafka: () => import('./kafka/index.ts'),
  rabbitmq: () => import('./rabbitmq/index.ts'),
  kinesis: () => import('./kinesis/index.ts'),
  pubsub: () => import('./pubsub/index.ts'),
} as const
