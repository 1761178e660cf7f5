/** What one of those who share a budget holds of it. */
export interface ByteShare {
  /** Takes so much more; false, and nothing taken, when that is not left. */
  take(bytes: number): boolean;
  /** Gives all of it back. */
  release(): void;
}

/** Bytes that many share: what they hold together never exceeds the maximum. */
export class ByteBudget {
  readonly #maxBytes: number;
  #takenBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get takenBytes(): number {
    return this.#takenBytes;
  }

  /** A share that holds nothing yet. */
  share(): ByteShare {
    let heldBytes = 0;
    return {
      take: (bytes) => {
        if (this.#takenBytes + bytes > this.#maxBytes) return false;
        this.#takenBytes += bytes;
        heldBytes += bytes;
        return true;
      },
      release: () => {
        this.#takenBytes -= heldBytes;
        heldBytes = 0;
      },
    };
  }
}
