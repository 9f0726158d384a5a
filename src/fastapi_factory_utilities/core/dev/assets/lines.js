// The log lines of a request.
import { h } from "./dom.js";
import { duration, plural, value } from "./format.js";

export function logLines(item) {
  const names = new Map(item.spans.map((span) => [span.id, span.name]));
  return h("section.lines", { "aria-label": "Log lines" },
    h("div.heading", {}, h("h3", {}, "Log lines")),
    item.lines.length ? h("ol", {}, item.lines.map((line) => logLine(line, item.at, names))) : h("p.quiet", {}, "It left none."),
    item.more_lines > 0 && h("p.quiet", {}, `${plural(item.more_lines, "more line")} had no room here.`));
}

function logLine(line, begin, names) {
  const { exception, ...facts } = line.facts;
  const level = ["critical", "error", "warning", "info", "debug"].includes(line.level) ? line.level : "info";
  return h("li", {},
    h("span.number.quiet", {}, line.at >= begin ? `+${duration(line.at - begin)}` : ""),
    h(`span.level.${level}`, {}, line.level),
    h("div", {},
      h("p.event", {}, h("bdi", {}, line.event), Object.entries(facts).map(([name, content]) => [" ", h("span.pair", {}, h("span.quiet", {}, `${name}=`), h("bdi", {}, value(content)))])),
      h("p.quiet.from", {}, line.logger, names.has(line.span) && names.size > 1 ? [" in ", h("bdi", {}, names.get(line.span))] : null),
      exception && typeof exception === "object" && thrown(exception, "")));
}

function thrown(exception, relation) {
  return h("details.exception", { open: relation === "" },
    h("summary", {}, relation, h("b", {}, exception.type), exception.message ? h("span", {}, `: ${exception.message}`) : null),
    h("ol.frames", {}, (exception.frames ?? []).map((frame) => h("li", {}, frame))),
    (exception.notes ?? []).map((note) => h("p", {}, note)),
    (exception.causes ?? []).map((cause) => thrown(cause, cause.relation === "cause" ? "because of " : "while handling ")),
    (exception.members ?? []).map((member, index) => thrown(member, `${index + 1}. `)));
}
