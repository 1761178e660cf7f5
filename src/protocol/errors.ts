/** Base of every error this project throws. Callers match on `code`, never on the message. */
export class DmError extends Error {
  /** Stable, `AREA_WHAT`, for example `WBXML_TRUNCATED`. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** Bytes or text that could not be read. Its message ends with the place. */
export class DecodeError extends DmError {
  /** Byte offset into the input. */
  readonly offset: number;
  /** 1-based, for text only. */
  readonly position: { readonly line: number; readonly column: number } | undefined;

  constructor(code: string, message: string, offset: number, position?: { line: number; column: number }) {
    super(code, `${message} at ${position ? `${position.line}:${position.column}` : `byte ${offset}`}`);
    this.offset = offset;
    this.position = position;
  }
}

/** A failure the peer must be told about: the session layer turns it into a Status command with `status`. */
export class StatusError extends DmError {
  /** Status code of the Status command to answer with. */
  readonly status: number;

  constructor(status: number, code: string, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.status = status;
  }
}
