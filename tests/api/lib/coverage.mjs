// What the document declares and no story has seen.
export class Coverage {
  #exercised = new Set();
  #failed = new Set();
  #declared = { operations: [], problems: [] };

  add({ exercised, failed, declared }) {
    for (const name of exercised) this.#exercised.add(name);
    for (const name of failed) this.#failed.add(name);
    this.#declared = declared;
  }

  /** Prints what is missing and returns how many failures that makes. */
  report(strict) {
    const { operations, problems } = this.#declared;
    const missing = [
      ...operations.filter((name) => !this.#exercised.has(name)),
      ...problems.filter((name) => !this.#failed.has(name)),
    ];
    const seen = operations.length + problems.length - missing.length;
    console.log(`${seen} of ${operations.length + problems.length} operations and problems seen`);
    for (const name of missing)
      console.log(`${strict ? 'FAIL' : 'note'}  no story has seen ${name}`);
    return strict ? missing.length : 0;
  }
}
