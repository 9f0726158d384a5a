// The effective configuration: every value, where it came from; the service masked the secrets.
import { fill, h, searchField, toggle } from "./dom.js";
import { value } from "./format.js";

const MASK = "***";
const state = { filter: "", changedOnly: false, data: null };
let table;

export function open(view) {
  state.data = null;
  table = h("div.table-box");
  view.append(h("div.sheet", {},
    h("div.bar", {},
      searchField("Filter by key, value or origin", state.filter, (text) => { state.filter = text; draw(); }),
      toggle("Without defaults", state.changedOnly, (on) => { state.changedOnly = on; draw(); })),
    table));
}

export async function update({ ask, service }) {
  if (state.data && state.life === service?.life) return; // it is read once, when the service starts
  state.life = service?.life;
  state.data = await ask("configuration.json");
  draw();
}

function matches(row) {
  if (state.changedOnly && row.origin === "default") return false;
  return `${row.key} ${value(row.value)} ${row.origin}`.toLowerCase().includes(state.filter);
}

function draw() {
  if (!state.data) return;
  const { values, sources, has_origins: hasOrigins } = state.data;
  const rows = values.filter(matches);
  const sections = Map.groupBy(rows, (row) => row.key.split(/[.[]/)[0]);
  fill(table,
    h("p.quiet", {}, !hasOrigins ? "Nobody knows where these values came from: the application was made without a builder." : sources.length ? ["Read, each beating those before it: ", sources.join(", "), "; then variables and code."] : "No file was read."),
    rows.length === 0 && h("div.nothing", {}, h("p", {}, "Nothing here matches.")),
    [...sections].map(([name, entries]) => h("section", {},
      h("h3", {}, name),
      h("table.values", {}, h("tbody", {}, entries.map((row) => h(`tr${row.origin === "default" ? ".default" : ""}`, {},
        h("th", { scope: "row" }, row.key),
        h("td", {}, row.value === MASK ? h("span.masked", { title: "A secret; it is not sent to this page" }, MASK) : h("bdi", {}, shown(row.value))),
        h("td.origin.quiet", {}, row.origin))))))));
}

function shown(content) {
  return content === "" ? '""' : value(content);
}
