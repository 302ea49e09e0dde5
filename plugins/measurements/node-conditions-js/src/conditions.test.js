import assert from "node:assert/strict";
import { test } from "node:test";
import { KIND, Nodes, StringTable } from "./conditions.js";

const HEALTHY = ["True", "False", "False", "False"];
const NOT_READY = ["False", "False", "False", "False"];

test("a node's first event is no change", () => {
  const nodes = new Nodes();
  assert.deepEqual(nodes.see(KIND.initial, "a", NOT_READY), []);
  assert.equal(nodes.unhealthy(0), 1);
});

test("a condition that changes is counted at its position", () => {
  const nodes = new Nodes();
  nodes.see(KIND.initial, "a", HEALTHY);
  assert.deepEqual(nodes.see(KIND.modified, "a", HEALTHY), []);
  assert.deepEqual(nodes.see(KIND.modified, "a", ["False", "True", "False", "False"]), [0, 1]);
  assert.deepEqual(nodes.report(), { nodes: 1, changed: 1, examples: [{ node: "a", changes: 2 }] });
});

test("a gap has no node, and a deleted node is not unhealthy", () => {
  const nodes = new Nodes();
  nodes.see(KIND.gap, "", []);
  nodes.see(KIND.added, "a", NOT_READY);
  nodes.see(KIND.deleted, "a", NOT_READY);
  assert.equal(nodes.unhealthy(0), 0);
  assert.equal(nodes.report().nodes, 1);
});

test("nodes that changed most come first, then by name", () => {
  const nodes = new Nodes();
  for (const [name, times] of [["b", 1], ["a", 1], ["c", 2]]) {
    nodes.see(KIND.initial, name, HEALTHY);
    for (let n = 0; n < times; n += 1) nodes.see(KIND.modified, name, n % 2 ? HEALTHY : NOT_READY);
  }
  assert.deepEqual(nodes.report().examples.map(({ node }) => node), ["c", "a", "b"]);
});

test("a string table starts anew at id 1", () => {
  const strings = new StringTable();
  strings.extend(1, ["a", "b"]);
  strings.extend(3, ["c"]);
  assert.deepEqual([0, 1, 3, 9].map((id) => strings.get(id)), ["", "a", "c", ""]);
  strings.extend(1, ["x"]);
  assert.deepEqual([1, 2].map((id) => strings.get(id)), ["x", ""]);
});
