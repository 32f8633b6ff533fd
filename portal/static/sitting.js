// A sitting: shows one question at a time, saves each change, keeps what could not be sent and sends it again.
// The clock shown is the server's: it says how much is left, and only that counts. Without scripts each page posts.
const form = document.querySelector("[data-sitting]");
const clock = document.querySelector("[data-clock]");
const EVERY = 15_000;
const RETRY = 3_000;
const GRACE = 50_000; // the server takes what comes a little late
const ALIVE = 16_000; // letters of what may outlive the page: browsers refuse to send more than 64 kB so

// ---- The clock: seconds left, counted from what the server said last
let due = clock ? performance.now() + Number(clock.dataset.clock) * 1000 : 0;
let finished = false;
let gone = false;

function paintClock() {
  if (!clock) return;
  const left = Math.max(0, Math.floor((due - performance.now()) / 1000));
  const two = (n) => String(n).padStart(2, "0");
  clock.querySelector("[data-left]").textContent = `${Math.floor(left / 3600)}:${two(Math.floor(left / 60) % 60)}:${two(left % 60)}`;
  clock.toggleAttribute("data-few", left < 300);
  if (form && left > 0 && left <= 300) heard([{ id: "few", words: words("Few", { minutes: "5" }) }]);
  if (left === 0 && !finished) timeUp();
}

async function timeUp() {
  finished = true;
  const until = performance.now() + GRACE;
  while (form && waiting.size && performance.now() < until) {
    await sendAll();
    if (waiting.size) await new Promise((wake) => setTimeout(wake, RETRY));
  }
  location.assign(form ? form.dataset.page : location.href);
}

if (clock) setInterval(paintClock, 500);

for (const part of document.querySelectorAll("[data-reload]")) {
  setTimeout(() => location.reload(), Number(part.dataset.reload) * 1000);
}

// ---- Answers
const places = form ? [...form.querySelectorAll("[data-position]")] : [];
const waiting = new Map(); // position → what was not acknowledged yet
const shelf = form ? `sitting:${form.dataset.key}` : "";
const words = (name, values = {}) =>
  Object.entries(values).reduce((text, [key, value]) => text.replace(`{${key}}`, value), form.dataset[`words${name}`]);
let hints = [];
let since = 0; // when the oldest change that is not saved was made
let lastSaved = "";
let sending = null;

const inputs = (place) => [...place.querySelectorAll(`[name="answer-${place.dataset.position}"]`)];

function valueOf(place) {
  const all = inputs(place);
  if (place.dataset.kind === "multiple") return all.filter((one) => one.checked).map((one) => one.value);
  if (place.dataset.kind === "single") return all.find((one) => one.checked)?.value ?? null;
  return all[0].value.trim() === "" ? null : all[0].value;
}

function show(place, value, flagged) {
  for (const one of inputs(place)) {
    if (place.dataset.kind === "multiple") one.checked = (value ?? []).includes(one.value);
    else if (place.dataset.kind === "single") one.checked = one.value === value;
    else one.value = value ?? "";
  }
  place.querySelector("[data-flag]").checked = flagged;
}

function keep() {
  try {
    sessionStorage.setItem(shelf, JSON.stringify([...waiting.values()]));
  } catch {
    // Full or forbidden: what waits is kept in memory.
  }
}

function changed(place) {
  const position = Number(place.dataset.position);
  place.dataset.seq = String(Number(place.dataset.seq) + 1);
  place.querySelector(`[name="seq-${position}"]`).value = place.dataset.seq;
  waiting.set(position, { position, value: valueOf(place), seq: Number(place.dataset.seq), flagged: place.querySelector("[data-flag]").checked });
  since ||= performance.now();
  keep();
  paintState();
  paintOverview();
}

function paintState() {
  const state = document.querySelector("[data-saved-state]");
  let text = lastSaved ? words("Saved", { time: lastSaved }) : "";
  if (waiting.size) {
    const seconds = Math.floor((performance.now() - since) / 1000);
    text = seconds < 5 ? words("Saving") : words("Unsaved", { seconds: String(seconds - (seconds % 5)) });
  }
  if (state.textContent !== text) state.textContent = text;
  state.toggleAttribute("data-unsaved", waiting.size > 0 && performance.now() - since > 5_000);
}

function taken(one) {
  const place = document.getElementById(`question-${one.position}`);
  const mine = waiting.get(one.position);
  if (mine && mine.seq > one.seq) return; // changed again meanwhile
  waiting.delete(one.position);
  place.dataset.seq = String(one.seq);
  place.querySelector(`[name="seq-${one.position}"]`).value = one.seq;
  if (!one.taken) {
    show(place, one.value, one.flagged);
    const told = document.querySelector("[data-told]");
    told.textContent = `${words("Question", { n: one.position })}: ${words("Elsewhere")}`;
    told.hidden = false;
    go(places.indexOf(place));
  }
  if (one.at) lastSaved = new Date(one.at).toLocaleTimeString(document.documentElement.lang, { hourCycle: "h23" });
}

function heard(news) {
  const list = document.querySelector("[data-notices]");
  for (const one of [...news].reverse()) {
    if (list.querySelector(`[data-notice="${one.id}"]`)) continue;
    const box = document.createElement("div");
    box.className = "notice tone-info";
    box.dataset.notice = one.id;
    box.setAttribute("role", "alert");
    const text = document.createElement("p");
    text.textContent = one.words;
    box.append(text);
    list.prepend(box);
  }
}

async function post() {
  const answers = [...waiting.values()];
  const said = hints;
  hints = [];
  const body = JSON.stringify({ answers, hints: said });
  const answer = await fetch(form.dataset.sitting, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": form.querySelector("[name=csrf_token]").value },
    body,
    keepalive: body.length < ALIVE,
    signal: AbortSignal.timeout?.(10_000),
  }).catch((error) => {
    hints = [...said, ...hints];
    throw error;
  });
  // A page that is older than its sign-in is loaded anew; what waits is kept and sent from there.
  const stale = answer.status === 400 && performance.now() > 30_000;
  if (answer.status === 401 || answer.status === 409 || stale) {
    finished = gone = true; // the page itself says why: over, or open elsewhere, or signed out
    location.assign(form.dataset.page);
    return;
  }
  if (!answer.ok) throw new Error(String(answer.status));
  const found = await answer.json();
  due = performance.now() + found.left * 1000;
  for (const one of found.saved) taken(one);
  since = waiting.size ? performance.now() : 0;
  heard(found.notices);
  keep();
  paintState();
  paintOverview();
}

// One message at a time, so that none overtakes another.
function send() {
  sending ??= post().finally(() => (sending = null));
  return sending;
}

async function sendAll() {
  try {
    do await send();
    while (waiting.size && !gone);
  } catch {
    paintState();
  }
}

// ---- One question at a time, and the overview of all
let at = 0;

function go(n) {
  at = Math.min(Math.max(n, 0), places.length - 1);
  places.forEach((place, i) => (place.hidden = i !== at));
  form.querySelector('[data-step="-1"]').disabled = at === 0;
  form.querySelector('[data-step="1"]').disabled = at === places.length - 1;
  paintOverview();
}

function paintOverview() {
  for (const [i, place] of places.entries()) {
    const button = form.querySelector(`[data-go="${i}"]`);
    if (!button) continue;
    const value = valueOf(place);
    const answered = value !== null && value.length > 0;
    const flagged = place.querySelector("[data-flag]").checked;
    button.toggleAttribute("data-answered", answered);
    button.toggleAttribute("data-flagged", flagged);
    button.setAttribute("aria-current", i === at ? "true" : "false");
    const state = [words(answered ? "Answered" : "Open"), ...(flagged ? [words("Flagged")] : [])].join(", ");
    button.setAttribute("aria-label", `${words("Question", { n: place.dataset.position })}: ${state}`);
  }
}

function begin() {
  const overview = form.querySelector("[data-overview]");
  for (const [i, place] of places.entries()) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sit-number";
    button.dataset.go = i;
    button.textContent = place.dataset.position;
    overview.append(button);
  }
  form.dataset.live = "";
  try {
    for (const one of JSON.parse(sessionStorage.getItem(shelf) ?? "[]")) {
      const place = document.getElementById(`question-${one.position}`);
      if (!place || one.seq <= Number(place.dataset.seq)) continue;
      place.dataset.seq = String(one.seq);
      show(place, one.value, one.flagged);
      waiting.set(one.position, one);
      since ||= performance.now();
    }
  } catch {
    // Nothing readable was kept.
  }
  go(0);
  paintState();
  if (waiting.size) sendAll();
}

if (form) {
  begin();
  let typing = 0;
  form.addEventListener("input", (event) => {
    const place = event.target.closest("[data-position]");
    if (!place) return;
    changed(place);
    clearTimeout(typing);
    typing = setTimeout(sendAll, event.target.matches("input:not([type=radio], [type=checkbox])") ? 800 : 0);
  });
  form.addEventListener("click", (event) => {
    const step = event.target.closest("[data-step]");
    const number = event.target.closest("[data-go]");
    const clear = event.target.closest("[data-clear]");
    if (step || number) {
      go(step ? at + Number(step.dataset.step) : Number(number.dataset.go));
      places[at].focus();
    }
    if (clear) {
      const place = clear.closest("[data-position]");
      for (const one of inputs(place)) one.checked = false;
      changed(place);
      sendAll();
    }
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault(); // all is saved by now, or first
    await sendAll();
    if (!waiting.size && event.submitter?.name === "hand-in") location.assign(form.dataset.end);
  });
  document.addEventListener("visibilitychange", () => document.hidden && hints.push("focus_lost"));
  form.addEventListener("paste", () => hints.push("paste"));
  window.addEventListener("online", sendAll);
  setInterval(paintState, 1000);
  setInterval(() => !finished && sendAll(), EVERY);
  setInterval(() => !finished && waiting.size && sendAll(), RETRY);
  window.addEventListener("pagehide", () => waiting.size && send().catch(() => null));
}
