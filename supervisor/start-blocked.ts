/** The gateway can't be started, for a reason that the operator has to remove; the message is all that he needs to read. */
export class StartBlocked extends Error {
  /** What belongs before the message, line by line. */
  readonly details: readonly string[];

  constructor(message: string, details: readonly string[] = []) {
    super(message);
    this.details = details;
  }
}
