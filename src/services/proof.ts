import { z } from 'zod'
import type { Cancellable } from '../batch.ts'
import { overwrite, type Registry } from '../stores/registry.ts'

const NAME = 'proof/audit'

/** What the last audit that came to its end has found. */
export const proofSchema = z.object({
  at: z.iso.datetime().meta({ description: 'when it ended' }),
  ok: z.boolean().meta({ description: 'all that is stored is as it was received' }),
  records: z.int().min(0).meta({ description: 'how many it compared' }),
  bytes: z.int().min(0).meta({ description: 'how many bytes of raw these have' }),
  problems: z.int().min(0),
})

export type Proof = z.output<typeof proofSchema>

/** Keeps it for those who ask later, in place of an earlier one. */
export async function noteProof(registry: Registry, proof: Proof, options: Cancellable = {}): Promise<void> {
  await overwrite(registry, NAME, Buffer.from(JSON.stringify(proof)), options)
}

/** Undefined where there was none yet, or its note is of another version. */
export async function lastProof(registry: Registry, options: Cancellable = {}): Promise<Proof | undefined> {
  const entry = await registry.get(NAME, options)
  return entry && proofSchema.safeParse(JSON.parse(entry.value.toString())).data
}
