// The lists and figures beside the picture. Text only ever goes in as text: names come from a wire.

const $ = (id) => document.getElementById(id);

export const STATE_WORD = { LIVE: "live", TAKEOVER: "TAKEOVER", HOLD: "HOLD", LOST: "LOST" };

export function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// The expected error in words: "±4 cm", "over 1 m".
export function trust(subject) {
  if (subject.error_m > 1) return "over 1 m";
  return subject.error_m > 0 ? `±${Math.max(1, Math.round(100 * subject.error_m))} cm` : "";
}

// Where its place is expected to be furthest off: "LeftHand ±12 cm".
function unsure(subject) {
  return (subject.least_sure ?? []).filter(([, m]) => m >= 0.05).slice(0, 2)
    .map(([name, m]) => `${name} ±${Math.round(100 * m)} cm`).join(", ");
}

export class Panel {
  constructor(chosen) {
    this.chosen = chosen; // called with ("subject" | "camera", name) when a row is tapped
    this.view = { kind: "everybody", name: "" };
    $("everybody").onclick = () => this.choose("everybody", "");
  }

  choose(kind, name) {
    this.view = { kind, name };
    this.chosen(kind, name);
    this.mark();
  }

  mark() {
    const { kind, name } = this.view;
    $("everybody").setAttribute("aria-pressed", String(kind === "everybody"));
    for (const row of document.querySelectorAll("li > .row"))
      row.setAttribute("aria-pressed", String(row.dataset.kind === kind && row.dataset.name === name));
  }

  show(frame) {
    const { subjects, cameras, props } = frame;
    const silent = subjects.filter((one) => one.state !== "LIVE").length;
    set($("count"), subjects.length ? `${subjects.length}${silent ? `, ${silent} not live` : ""}` : "");
    this.rows($("subjects"), subjects.map((one) => ({
      kind: "subject",
      name: one.name,
      state: one.state,
      word: [STATE_WORD[one.state], trust(one)].filter(Boolean).join(" "),
      more: [one.reason, unsure(one), faces(one.curves)].filter(Boolean).join(" · "),
    })));
    $("things-section").hidden = !cameras.length && !props.length;
    this.rows($("things"), [
      ...cameras.map((one) => ({ kind: "camera", name: one.name, state: one.state, word: lens(one), more: one.reason })),
      ...props.map((one) => ({ kind: "prop", name: one.name, state: one.state, word: one.state === "LIVE" ? "prop" : STATE_WORD[one.state], more: one.reason })),
    ]);
  }

  rows(list, wanted) {
    const before = list.children.length;
    while (list.children.length < wanted.length) list.append(this.row());
    while (list.children.length > wanted.length) list.lastChild.remove();
    wanted.forEach((one, i) => {
      const row = list.children[i].firstChild;
      const [, name, state, more] = row.children;
      row.dataset.state = one.state;
      row.dataset.kind = one.kind;
      row.dataset.name = one.name;
      row.classList.toggle("thing", one.kind === "prop");
      set(name, one.name);
      set(state, one.word);
      set(more, one.more);
    });
    if (before !== wanted.length) this.mark();
  }

  row() {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.className = "row";
    for (const name of ["chip", "name", "state", "more"]) {
      const part = document.createElement("span");
      part.className = name;
      button.append(part);
    }
    button.onclick = () => {
      const { kind, name } = button.dataset;
      const again = kind === this.view.kind && name === this.view.name;
      if (kind !== "prop") this.choose(again ? "everybody" : kind, again ? "" : name);
    };
    item.append(button);
    return item;
  }

  figures(frame, link) {
    const { figures = {}, stats = {}, monitor = {} } = frame;
    const rows = [
      ["Stage", figures.rate_hz ? `${figures.rate_hz.toFixed(1)} Hz` : "–"],
      ["Tick", "tick_ms" in stats ? `${stats.tick_ms.toFixed(2)} ms` : "–"],
      ["Late, skipped ticks", "late" in stats ? `${stats.late}, ${stats.skipped}` : "–", stats.skipped > 0],
      ["Lost frames", `${figures.lost ?? "–"}`, figures.lost > 0],
      ["Latency p50, p99", pair(figures.latency_ms)],
      ["Age p50, p99", pair(figures.age_ms)],
      ["Refused requests", `${stats.refused ?? "–"}`, stats.refused > 0],
      ["Refused connections", `${stats.refused_connections ?? "–"}`, stats.refused_connections > 0],
      ...("recording" in stats ? [["Recording",
        stats.recording_failed ? "FAILED" : stats.recording ? "yes" : "no", stats.recording_failed > 0]] : []),
      ["Stage restarts", `${figures.restarts ?? 0}`],
      ["To this browser", link.rate_hz === undefined ? "–" : `${link.rate_hz.toFixed(0)} Hz`],
      ["Round trip", link.round_trip_ms == null ? "–" : `${link.round_trip_ms.toFixed(0)} ms`],
      ["Browsers watching", `${monitor.watching ?? "–"}`],
    ];
    if (figures.unreadable) rows.push(["Unreadable messages", `${figures.unreadable}`, true]);
    if (monitor.refused_tokens) rows.push(["Wrong tokens", `${monitor.refused_tokens}`, true]);
    const list = $("figures");
    while (list.children.length > 2 * rows.length) list.lastChild.remove();
    rows.forEach(([what, value, bad], i) => {
      if (!list.children[2 * i]) list.append(document.createElement("dt"), document.createElement("dd"));
      set(list.children[2 * i], what);
      set(list.children[2 * i + 1], value);
      list.children[2 * i + 1].classList.toggle("bad", Boolean(bad));
    });
  }
}

const pair = (p) => (p ? `${p.p50.toFixed(1)}, ${p.p99.toFixed(1)} ms` : "–");
const lens = (camera) => {
  const focal = Number(camera.focal_mm);
  const words = `${focal.toFixed(focal % 1 ? 1 : 0)} mm`;
  return camera.state === "LIVE" ? words : `${words} ${STATE_WORD[camera.state]}`;
};
const faces = (curves) => (curves ?? []).filter(([, value]) => Math.abs(value) >= 0.05).map(([name, value]) => `${name} ${value.toFixed(2)}`).join(", ");
