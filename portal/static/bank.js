// Keys of the reconciliation page. Everything works without them, by links and buttons.
const one = (selector) => document.querySelector(selector);

const acts = {
  j: () => one(".bank-walk [rel=next]")?.click(),
  k: () => one(".bank-walk [rel=prev]")?.click(),
  ArrowDown: () => one(".bank-walk [rel=next]")?.click(),
  ArrowUp: () => one(".bank-walk [rel=prev]")?.click(),
  s: () => one("[data-bank-search]")?.focus(),
  c: () => one("[data-keep]")?.requestSubmit(),
  u: () => (one("[data-undo]") ?? one("[data-undo-last]"))?.requestSubmit(),
  o: () => {
    const part = one("[data-outside]");
    if (!part) return;
    part.open = true;
    part.querySelector("select").focus();
  },
  "?": () => {
    const part = one("[data-keys]");
    part.open = !part.open;
  },
};

function enter(event) {
  const form = one("[data-match]");
  if (!form || (event.target.closest?.("a, button, summary, select, textarea") && event.target !== document.body)) return false;
  if (event.target.matches?.("input:not([type=checkbox])")) return false;
  form.requestSubmit();
  return true;
}

function choose(number) {
  const box = document.querySelectorAll("[data-match] input[type=checkbox]")[number - 1];
  if (!box || box.disabled) return;
  box.checked = !box.checked;
  box.focus();
}

window.addEventListener(
  "keydown",
  (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || one("dialog[open]")) return;
    if (event.key === "Enter") {
      if (enter(event)) event.preventDefault();
      return;
    }
    const typing = event.target.matches?.("input:not([type=checkbox]), textarea, select");
    if (event.key === "Escape" && typing) event.target.blur();
    if (typing) return;
    if (/^[1-9]$/.test(event.key)) {
      choose(Number(event.key));
      event.preventDefault();
    } else if (acts[event.key]) {
      // Here "?" shows these keys, and not the general help.
      event.preventDefault();
      event.stopPropagation();
      acts[event.key]();
    }
  },
  true,
);

// The chosen line stays in sight, and focus starts on it so that a screen reader knows where it is.
const current = one(".bank-list [aria-current]");
if (current) {
  const list = current.closest(".bank-list");
  list.scrollTop = current.offsetTop - list.offsetTop - list.clientHeight / 3;
}
