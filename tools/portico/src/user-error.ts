/** Something that the operator can mend: told as one sentence, without a stack. */
export class UserError extends Error {
  override readonly name = 'UserError';
}
