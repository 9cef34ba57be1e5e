// The promises that these runs are responsible for: what was asked, what was measured, and whether
// it held; printed at the end.
export class Figures {
  #rows = [];

  /** @param {string} ours what is promised; @param {string|number} measured what it was */
  add(promise, ours, measured, held) {
    this.#rows.push([promise, ours, String(measured), held ? 'yes' : 'NO']);
  }

  get broken() {
    return this.#rows.filter((row) => row[3] !== 'yes').map(([promise]) => promise);
  }

  print() {
    const all = [['promise', 'ours', 'measured', 'held'], ...this.#rows];
    const widths = all[0].map((_, i) => Math.max(...all.map((row) => row[i].length)));
    for (const row of all)
      console.log(row.map((cell, i) => cell.padEnd(widths[i])).join('  ').trimEnd());
  }
}
