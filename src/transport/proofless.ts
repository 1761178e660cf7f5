import type { AuthScheme } from '../protocol/auth/principal.ts';
import { isLoopback } from './loopback.ts';

interface ProoflessOptions {
  /** The setting that allows it. */
  readonly allowed: boolean;
  /** Told once of each peer that was turned away. */
  readonly turnedAway: (name: string) => void;
}

/**
 * Whom to believe without any proof: nobody, unless the setting says so and the request comes from this host. What it
 * answers is asked before a peer is let in by its account. [FANOUT 8]
 */
export function createProoflessRule({ allowed, turnedAway }: ProoflessOptions) {
  const told = new Set<string>();
  return (name: string, scheme: AuthScheme, from: string | undefined): boolean => {
    if (scheme !== 'none' || (allowed && isLoopback(from))) return true;
    if (!told.has(name)) {
      told.add(name);
      turnedAway(name);
    }
    return false;
  };
}
