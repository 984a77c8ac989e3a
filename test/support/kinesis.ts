import kinesis from '../../src/queues/kinesis/index.ts'
import type { QueueContext } from '../../src/queues/queue.ts'
import { queueContext } from './queue-context.ts'

/** What AWS's library asks for and the emulator takes. */
export function useTestCredentials(): void {
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
    AWS_EC2_METADATA_DISABLED: 'true',
  })
}

/** What a person writes to reach the emulator, with times that suit a test. */
export const kinesisSettings = (port: number) => ({
  region: 'us-east-1',
  endpoint: `http://127.0.0.1:${port}`,
  leaseMs: '1s',
  pollIntervalMs: '20ms',
})

/** Makes each stream once. */
export function createProvisioner(settings: object, dataDir: string) {
  const made = new Map<string, Promise<void>>()
  return (topic: string): Promise<void> => {
    const provisioning =
      made.get(topic) ?? kinesis.provision?.(kinesis.config.parse(settings), queueContext(dataDir, topic))
    if (!provisioning) throw new Error('the adapter has no provision')
    made.set(topic, provisioning)
    return provisioning
  }
}

export const openKinesis = (settings: object, context: QueueContext) =>
  kinesis.open(kinesis.config.parse(settings), context)
