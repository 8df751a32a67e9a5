// The window around the page: Airflow's, where the page is a part of it.

/** That window, null where there is none or where it is somebody else's. */
export function around() {
  try {
    return window.parent !== window && window.parent.document ? window.parent : null;
  } catch {
    return null;
  }
}
