// Light or dark, as Airflow around the page is; alone, as the system is.

import { around } from "./around.js";

/** Follow the theme from now on. */
export function followTheme() {
  const frame = around()?.document.documentElement ?? null;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    const dark = frame ? frame.classList.contains("dark") : system.matches;
    document.documentElement.classList.toggle("dark", dark);
    document.documentElement.classList.toggle("framed", frame !== null);
  };
  show();
  system.addEventListener("change", show);
  if (frame) new MutationObserver(show).observe(frame, { attributes: true, attributeFilter: ["class"] });
}
