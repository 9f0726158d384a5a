// The requests, and the one that is looked at.
import { fill, h, searchField, toggle } from "./dom.js";
import { clock, date, duration, octets, plural } from "./format.js";
import { logLines } from "./lines.js";
import { waterfall } from "./waterfall.js";

const state = { filter: "", failuresOnly: false, hiddenBefore: 0, life: "", detail: null, detailText: "", open: new Set(), context: null };
let listBox, detailBox, countBox, root;

export function open(view) {
  root = view;
  listBox = h("div.list", { role: "list", "aria-label": "Requests", onkeydown: moveSelection });
  detailBox = h("section.detail", { "aria-label": "The selected request" });
  countBox = h("span.quiet");
  view.append(
    h("section.side", {},
      h("div.bar", {},
        searchField("Filter by path, method, status or trace id", state.filter, (text) => { state.filter = text; drawList(); }),
        toggle("Failures only", state.failuresOnly, (on) => { state.failuresOnly = on; drawList(); }),
        h("button", { type: "button", title: "Hide what is listed now", onclick: hideAll }, "Clear"),
        countBox),
      listBox),
    detailBox);
  state.detailText = "";
  state.drawn = "";
}

export async function update(context) {
  state.context = context;
  if (context.service && context.service.life !== state.life) { // it was restarted, and counts from 1 again
    state.life = context.service.life;
    state.hiddenBefore = 0;
  }
  drawList();
  await updateDetail(context.ask, context.rest);
}

function hideAll() {
  state.hiddenBefore = state.context?.list[0]?.number ?? 0;
  location.hash = "#/requests";
  drawList();
}

function matches(item) {
  if (item.number <= state.hiddenBefore) return false;
  if (state.failuresOnly && !(item.failed || (item.kind === "request" && item.status >= 400) || item.worst === "error" || item.worst === "critical")) return false;
  return `${item.method} ${item.title} ${item.route ?? ""} ${item.status} ${item.kind} ${item.trace}`.toLowerCase().includes(state.filter);
}

function drawList() {
  if (!state.context) return;
  const { list, rest, service } = state.context;
  const items = list.filter(matches);
  root.classList.toggle("has-selection", rest !== "");
  countBox.textContent = items.length === list.length ? `${list.length}` : `${items.length} of ${list.length}`;
  const now = service?.now ?? 0;
  const text = JSON.stringify([items, rest, items.some((item) => item.seconds === null) && now]);
  if (text === state.drawn) return;
  state.drawn = text;
  fill(listBox, items.length ? items.map((item) => row(item, String(item.number) === rest, now)) : empty(list.length));
}

function empty(count) {
  return h("div.nothing", {},
    h("p", {}, count ? "Nothing here matches." : "No request yet."),
    h("p.quiet", {}, count ? "Change the filter, or wait for the next request." : "Send one to the service; it appears here at once. Probes and this page's own requests are left out."));
}

function row(item, selected, now) {
  const running = item.seconds === null;
  return h("div", { role: "listitem" },
    h("a.row", { href: `#/requests/${item.number}`, "aria-current": selected && "true", key: `row-${item.number}` },
      statusTag(item),
      h("span.what", {}, item.method && h("b", {}, item.method), " ", h("bdi", {}, item.title), item.query.length > 0 && h("span.quiet", {}, `?${item.query.join("&")}`)),
      h("span.number", {}, running ? `${duration(Math.max(0, now - item.at))} …` : duration(item.seconds)),
      h("span.more.quiet", {}, clock(item.at), counts(item), item.disconnected && h("span.tag.warning", {}, "client left"))));
}

function counts(item) {
  const parts = [];
  if (item.span_count) parts.push(plural(item.span_count, "span"));
  if (item.line_count) parts.push(plural(item.line_count, "line"));
  return [
    parts.length > 0 && h("span", {}, parts.join(", ")),
    item.worst && h(`span.tag.${item.worst === "warning" ? "warning" : "error"}`, {}, item.worst),
  ];
}

function statusTag(item) {
  if (item.kind === "websocket") return h(`span.status.${item.failed ? "s5" : "s0"}`, { title: "WebSocket" }, item.seconds === null ? "WS" : item.status || "WS");
  if (item.kind !== "request") return h(`span.status.${item.failed ? "s5" : "s0"}`, { title: item.kind }, item.kind === "message" ? "msg" : "job");
  if (!item.status) return h("span.status.running", { title: "No answer yet" }, "…");
  return h(`span.status.s${Math.floor(item.status / 100)}`, {}, item.status);
}

function moveSelection(event) {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const rows = [...listBox.querySelectorAll("a.row")];
  const next = rows[rows.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1)];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.click();
}

async function updateDetail(ask, rest) {
  if (rest === "") {
    state.detailText = "";
    fill(detailBox, h("div.nothing", {}, h("p", {}, "Choose a request to see what it did.")));
    return;
  }
  let detail = null;
  try {
    detail = await ask(`requests/${encodeURIComponent(rest)}.json`);
  } catch (error) {
    if (error.status !== 404) throw error;
  }
  if (state.context.rest !== rest) return;
  const now = state.context.service?.now ?? 0;
  const text = JSON.stringify([rest, detail, detail?.seconds === null && now]);
  if (text === state.detailText) return;
  if (state.detail?.number !== detail?.number) state.open.clear();
  state.detailText = text;
  state.detail = detail;
  drawDetail(now);
}

function drawDetail(now) {
  const item = state.detail;
  const back = h("a.back", { href: "#/requests" }, "All requests");
  if (!item) {
    fill(detailBox, back, h("div.nothing", {}, h("p", {}, "This request is gone."), h("p.quiet", {}, "Only the last ones are kept, and only until the service restarts.")));
    return;
  }
  const seconds = item.seconds ?? Math.max(0, now - item.at);
  fill(detailBox,
    back,
    h("h2", {}, statusTag(item), item.method && h("b", {}, item.method), h("bdi", {}, item.title)),
    h("dl.facts", {},
      fact("Took", item.seconds === null ? `${duration(seconds)}, and goes on` : duration(seconds)),
      fact("Began", date(item.at)),
      fact("Route", item.route),
      fact("Query", item.query.length > 0 && `${item.query.join(", ")} (values are not kept)`),
      fact("Answer", item.kind === "request" && item.status > 0 && octets(item.octets)),
      fact("Client", item.client && (item.disconnected ? `${item.client}, left early` : item.client)),
      fact("Trace", item.trace && h("code", {}, item.trace))),
    waterfall(item, seconds, state.open, state.context.service?.has_spans, () => drawDetail(now)),
    logLines(item));
}

function fact(name, content) {
  return content ? h("div", {}, h("dt", {}, name), h("dd", {}, content)) : null;
}
