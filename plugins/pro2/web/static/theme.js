// Light or dark, as Airflow around the page is; alone, as the system is.

function outer() {
  try {
    return window.parent === window ? null : window.parent.document.documentElement;
  } catch {
    return null; // framed by somebody whom we may not read
  }
}

/** Follow the theme from now on. */
export function followTheme() {
  const around = outer();
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    const dark = around ? around.classList.contains("dark") : system.matches;
    document.documentElement.classList.toggle("dark", dark);
    document.documentElement.classList.toggle("framed", around !== null);
  };
  show();
  system.addEventListener("change", show);
  if (around) new MutationObserver(show).observe(around, { attributes: true, attributeFilter: ["class"] });
}
