import { fetchCassandra } from './cassandra.ts'
import { fetchDynamoDB } from './dynamodb.ts'
import { fetchKafka } from './kafka.ts'
import { fetchKinesis } from './kinesis.ts'
import { fetchMongodb } from './mongodb.ts'
import { fetchPubsub } from './pubsub.ts'
import { fetchRabbitmq } from './rabbitmq.ts'

const SERVERS = [
  fetchKafka,
  fetchRabbitmq,
  fetchPubsub,
  fetchKinesis,
  fetchMongodb,
  fetchCassandra,
  fetchDynamoDB,
]

/**
 * Downloads and builds the servers that are not in the cache yet, beside each other and beside the tests that need none. A test
 * that needs one waits for it; what can't be had is told there.
 */
export function fetchServers(): void {
  for (const fetch of SERVERS) void fetch().catch(() => {})
}
