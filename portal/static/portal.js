// What pages gain from scripts: theme, menus, dialogs, one submit a click. Everything works without it.
const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// ---- Theme: light, dark, or as the system has it
function stored() {
  try {
    return localStorage.getItem("theme") ?? "system";
  } catch {
    return "system";
  }
}

function paint(choice) {
  const dark = choice === "dark" || (choice === "system" && system.matches);
  root.setAttribute("data-bs-theme", dark ? "dark" : "light");
  for (const button of all("[data-theme-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
  }
}

function choose(choice) {
  try {
    if (choice === "system") localStorage.removeItem("theme");
    else localStorage.setItem("theme", choice);
  } catch {
    // Not kept, but shown for this page.
  }
  paint(choice);
}

paint(stored());
system.addEventListener("change", () => paint(stored()));
window.addEventListener("storage", (event) => event.key === "theme" && paint(stored()));

// ---- Menus: the rail on a phone, and <details> that float
function setMenu(button, open) {
  button.setAttribute("aria-expanded", String(open));
  document.getElementById(button.getAttribute("aria-controls"))?.toggleAttribute("data-open", open);
}

document.addEventListener("click", (event) => {
  const choice = event.target.closest("[data-theme-choice]");
  if (choice) choose(choice.dataset.themeChoice);

  const menu = event.target.closest("[data-menu]");
  if (menu) setMenu(menu, menu.getAttribute("aria-expanded") !== "true");

  const back = event.target.closest("[data-back]");
  if (back && history.length > 1) {
    event.preventDefault();
    history.back();
  }

  if (event.target.closest("[data-print]")) window.print();

  const copy = event.target.closest("[data-copy]");
  if (copy) copied(copy);

  for (const open of all("details.pop[open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
});

// ---- Copying: one click puts a value where it can be pasted, and says so
async function copied(button) {
  const words = button.querySelector("[data-copy-words]");
  const before = words.textContent;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    return;
  }
  words.textContent = button.dataset.copied;
  setTimeout(() => (words.textContent = before), 2000);
}

// ---- Keys: Escape closes what is open, "/" and Ctrl K go to the search, "?" opens the help
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    for (const open of all("details.pop[open]")) {
      open.open = false;
      open.querySelector("summary")?.focus();
    }
    for (const button of all('[data-menu][aria-expanded="true"]')) {
      setMenu(button, false);
      button.focus();
    }
    return;
  }
  const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
  const slash = event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey;
  const commandK = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey);
  const search = document.querySelector("[data-search]");
  if (search && (slash || commandK)) {
    event.preventDefault();
    search.focus();
    search.select();
  }
  const help = document.querySelector("[data-help]");
  if (help && event.key === "?" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    help.click();
  }
});

// ---- Forms: ask before what cannot be undone, and send once
const dialog = document.getElementById("confirm");

function ask(form, submitter) {
  dialog.querySelector("[data-confirm-text]").textContent = form.dataset.confirm;
  const yes = dialog.querySelector("[data-confirm-yes]");
  const words = submitter?.textContent.trim();
  if (words) yes.textContent = words;
  dialog.returnValue = "";
  dialog.addEventListener(
    "close",
    () => {
      if (dialog.returnValue !== "yes") return;
      form.dataset.confirmed = "yes";
      form.requestSubmit(submitter ?? undefined);
    },
    { once: true },
  );
  dialog.showModal();
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method === "dialog") return;
  if (form.dataset.confirm && form.dataset.confirmed !== "yes" && dialog?.showModal) {
    event.preventDefault();
    ask(form, event.submitter);
    return;
  }
  delete form.dataset.confirmed;
  if (form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  // After the browser has collected the fields, so that the pressed button's own value goes along.
  setTimeout(() => {
    for (const button of all('button:not([type="button"])', form)) button.setAttribute("aria-disabled", "true");
    event.submitter?.setAttribute("aria-busy", "true");
  });
  // A download or a file answer leaves the page standing: let it be sent again.
  setTimeout(() => release(form), 8000);
});

function release(form) {
  delete form.dataset.sent;
  for (const button of all("button[aria-disabled]", form)) {
    button.removeAttribute("aria-disabled");
    button.removeAttribute("aria-busy");
  }
}

window.addEventListener("pageshow", (event) => {
  if (event.persisted) all("form[data-sent]").forEach(release);
});

// ---- Errors: the summary speaks first, its links put the cursor into the field
document.querySelector("[data-focus]")?.focus();
document.addEventListener("click", (event) => {
  const link = event.target.closest(".errors a[href^='#']");
  const field = link && document.getElementById(link.hash.slice(1));
  if (!field) return;
  event.preventDefault();
  field.scrollIntoView({ block: "center" });
  field.focus({ preventScroll: true });
});

// ---- Choices that act at once (the organisation switcher)
document.addEventListener("change", (event) => {
  if (event.target.matches("select[data-submit]")) event.target.form.requestSubmit();
});

// ---- A form that sends itself: the page behind it only waits for the answer
for (const form of all("form[data-go]")) form.requestSubmit();

// ---- Instants in the reader's own zone, with its distance from UTC; without script they stand in UTC
function ownTime(element) {
  const at = new Date(element.dateTime);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const minutes = -at.getTimezoneOffset();
  const two = (value) => String(Math.floor(value)).padStart(2, "0");
  const distance = `UTC${minutes < 0 ? "-" : "+"}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
  const chinese = root.lang.startsWith("zh");
  const form = { weekday: "short", day: "numeric", month: chinese ? "long" : "short", year: "numeric", hour: "2-digit", minute: "2-digit", hour12: false };
  const words = new Intl.DateTimeFormat(chinese ? "zh-CN" : "en-GB", form).format(at);
  element.textContent = chinese ? `${words.replace("日周", "日 周")}（${distance}，${zone}）` : `${words} (${distance}, ${zone})`;
}

for (const element of all("time[data-own-time]")) ownTime(element);

// ---- The office's search: what is found appears below the field; arrows move, Enter opens, Escape closes
const searchField = document.querySelector("[data-search]");
const foundBox = document.querySelector("[data-found]");

function hits() {
  return all("[data-hit]", foundBox?.hidden === false ? foundBox : (document.querySelector("[data-hits]") ?? document.createElement("div")));
}

function closeFound() {
  if (!foundBox) return;
  foundBox.hidden = true;
  foundBox.replaceChildren();
}

if (searchField && foundBox) {
  let asked = 0;
  let waiting;
  searchField.addEventListener("input", () => {
    clearTimeout(waiting);
    const q = searchField.value.trim();
    const mine = ++asked;
    if (q.length < 2 && !/[^\x00-\x7f]/.test(q)) {
      closeFound();
      return;
    }
    waiting = setTimeout(async () => {
      const address = `${searchField.form.action}?${new URLSearchParams({ q, part: 1 })}`;
      const answer = await fetch(address, { headers: { "X-Requested-With": "fetch" } }).catch(() => null);
      if (!answer?.ok || answer.redirected || mine !== asked || document.activeElement !== searchField) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      foundBox.replaceChildren(...page.body.childNodes);
      foundBox.hidden = !foundBox.childElementCount;
    }, 180);
  });
  document.addEventListener("click", (event) => {
    if (!searchField.form.contains(event.target)) closeFound();
  });
  searchField.form.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !searchField.form.contains(event.relatedTarget)) closeFound();
  });
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && foundBox && !foundBox.hidden) {
    closeFound();
    searchField.focus();
    return;
  }
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const list = hits();
  const here = list.indexOf(document.activeElement);
  const inField = document.activeElement === searchField || (document.activeElement?.id === "q" && document.querySelector("[data-hits]"));
  if (!list.length || (here < 0 && !inField)) return;
  event.preventDefault();
  const next = here + (event.key === "ArrowDown" ? 1 : -1);
  if (next < 0) searchField?.focus();
  else list[Math.min(next, list.length - 1)].focus();
});

// ---- A question being typed: answers that fit it appear beside the form
const fitting = document.querySelector("[data-fitting]");
const question = document.querySelector("[data-fits] input");

if (fitting && question) {
  let asked = 0;
  let waiting;
  question.addEventListener("input", () => {
    clearTimeout(waiting);
    const mine = ++asked;
    if (!question.value.trim()) {
      fitting.replaceChildren();
      return;
    }
    waiting = setTimeout(async () => {
      const address = `${fitting.dataset.fitting}?${new URLSearchParams({ fits: question.value.trim() })}`;
      const answer = await fetch(address).catch(() => null);
      if (!answer?.ok || mine !== asked) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      fitting.replaceChildren(...page.body.childNodes);
    }, 300);
  });
}
