// What changed between two events of a node. Free of host calls, so `node --test` can test it.

/** Conditions that are watched, and the status of a healthy node. */
export const CONDITIONS = [
  { type: "Ready", healthy: "True" },
  { type: "MemoryPressure", healthy: "False" },
  { type: "DiskPressure", healthy: "False" },
  { type: "PIDPressure", healthy: "False" },
];

/** Kinds of rows, as `wit/events.wit` numbers them. */
export const KIND = { initial: 0, added: 1, modified: 2, deleted: 3, gap: 4 };

/** Strings of a subscription by their ids; id 0 is absent. */
export class StringTable {
  #texts = [""];

  /** Takes the new strings of a batch. */
  extend(firstStringId, newStrings) {
    if (firstStringId === 1) this.#texts = [""];
    this.#texts.push(...newStrings);
  }

  get(id) {
    return this.#texts[id] ?? "";
  }
}

/** The last status of every condition of every node, and how often each changed. */
export class Nodes {
  #nodes = new Map();

  /**
   * Takes in one event; `statuses` are in the order of CONDITIONS, "" where a node has none.
   * Returns the positions of the conditions that changed. A node's first event is no change.
   */
  see(kind, name, statuses) {
    if (kind === KIND.gap) return [];
    const known = this.#nodes.get(name);
    const changed = [];
    if (known) {
      statuses.forEach((status, position) => {
        if (status !== known.statuses[position]) changed.push(position);
      });
      known.changes += changed.length;
    }
    this.#nodes.set(name, { statuses, changes: known?.changes ?? 0, deleted: kind === KIND.deleted });
    return changed;
  }

  /** How many nodes that exist are not healthy in the condition at `position`. */
  unhealthy(position) {
    let count = 0;
    for (const node of this.#nodes.values()) {
      if (!node.deleted && node.statuses[position] !== CONDITIONS[position].healthy) count += 1;
    }
    return count;
  }

  /** For the report: how many nodes were seen, and up to 20 that changed most. */
  report() {
    const changed = [...this.#nodes].filter(([, node]) => node.changes > 0);
    changed.sort(([a, x], [b, y]) => y.changes - x.changes || (a < b ? -1 : 1));
    const examples = changed.slice(0, 20).map(([node, { changes }]) => ({ node, changes }));
    return { nodes: this.#nodes.size, changed: changed.length, examples };
  }
}
