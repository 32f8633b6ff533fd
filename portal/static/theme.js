// Runs before the first paint: marks that scripts work and sets the reader's light or dark.
(() => {
  const root = document.documentElement;
  let choice = null;
  try {
    choice = localStorage.getItem("theme");
  } catch {
    // Storage is closed to us: the system decides.
  }
  const dark = choice === "dark" || (choice !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.classList.add("js");
  root.setAttribute("data-bs-theme", dark ? "dark" : "light");
})();
