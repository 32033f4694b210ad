// The token that unlocks a page.

// #token= never leaves the browser by itself; ?token= works too. Both go from the address bar.
export function tokenOf(key) {
  const here = new URL(location);
  const token = new URLSearchParams(here.hash.slice(1)).get("token") ?? here.searchParams.get("token");
  if (token === null) return sessionStorage.getItem(key) ?? "";
  here.hash = "";
  here.searchParams.delete("token");
  history.replaceState(null, "", here);
  return token;
}
