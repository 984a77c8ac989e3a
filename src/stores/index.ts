/** Every store there is, by the `type` of the config. A client library is loaded only when its store is chosen. */
export const stores = {
  embedded: () => import('./embedded/index.ts'),
  mongodb: () => import('./mongodb/index.ts'),
  cassandra: () => import('./cassandra/index.ts'),
  dynamodb: () => import('./dynamodb/index.ts'),
} as const
