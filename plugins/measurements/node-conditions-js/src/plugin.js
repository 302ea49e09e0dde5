// Measurement `node-conditions`: whether nodes stayed healthy while the load ran.
//
// Every number that crosses to or from the host is a JavaScript number: exact up to 2^53. Absent integers (-2^63)
// would arrive as BigInt, so this measurement asks for text columns only.

import metrics from "bench:base/metrics@0.1.0";
import { CONDITIONS, Nodes, StringTable } from "./conditions.js";

const MANIFEST = {
  name: "node-conditions",
  version: "0.1.0",
  description: "Counts changes of node conditions during the run",
  kinds: ["measurement"],
  permissions: {
    kubernetes: [{ apiGroups: [""], resources: ["nodes"], verbs: ["get", "list", "watch"], namespaces: "all" }],
  },
  metrics: [
    { name: "changes", kind: "counter", unit: "1", description: "Changes of a node condition", labels: ["condition"] },
    { name: "unhealthy", kind: "gauge", unit: "1", description: "Nodes not healthy in a condition", labels: ["condition"] },
  ],
};

const CONFIG_SCHEMA = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "node-conditions",
  type: "object",
  additionalProperties: false,
  properties: {
    labelSelector: { description: "Only nodes with these labels, as `kubectl -l`.", type: "string", default: "" },
  },
};

const strings = new StringTable();
const nodes = new Nodes();
let changes = [];
let unhealthy = [];

export const plugin = {
  manifest: () => JSON.stringify(MANIFEST),
  configSchema: () => JSON.stringify(CONFIG_SCHEMA),
};

export const measurement = {
  setup(config) {
    const { labelSelector = "" } = JSON.parse(config);
    const labels = (condition) => [{ name: "condition", value: condition.type }];
    changes = CONDITIONS.map((condition) => metrics.Counter.open("changes", "1", labels(condition)));
    unhealthy = CONDITIONS.map((condition) => metrics.Gauge.open("unhealthy", "1", labels(condition)));
    const projections = CONDITIONS.map(({ type }) => ({ path: `status.conditions[type=${type}].status`, parse: "text" }));
    const subscription = {
      group: "",
      version: "v1",
      plural: "nodes",
      namespaces: [],
      labelSelector,
      fieldSelector: "",
      projections,
      options: [],
    };
    return { subscriptions: [subscription], tickEveryNs: 0, options: [] };
  },

  onEvents(batch) {
    strings.extend(batch.firstStringId, batch.newStrings);
    const counts = CONDITIONS.map(() => 0);
    for (let row = 0; row < batch.kind.length; row += 1) {
      const statuses = batch.projected.map((column) => strings.get(column.val[row]));
      for (const position of nodes.see(batch.kind[row], strings.get(batch.object[row]), statuses)) {
        counts[position] += 1;
      }
    }
    counts.forEach((count, position) => {
      if (count > 0) changes[position].add(count);
      unhealthy[position].set(nodes.unhealthy(position));
    });
  },

  onTick() {},
  onPhase() {},

  finish: () => JSON.stringify(nodes.report()),
};
