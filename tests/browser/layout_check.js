// What does not fit on the page that is shown, with letters `size` times as large: it scrolls
// sideways, a button cuts its words off, or something lies on a button or link. In one call, for a
// round trip for each button would take longer than all the rest.
(size) => {
  const root = document.documentElement;
  const wrong = [];
  root.style.fontSize = size === 1 ? "" : `${size * 100}%`;
  const menus = [...document.querySelectorAll("details[data-menu]")];
  document.querySelectorAll("details").forEach((one) => { one.open = !menus.includes(one); });

  const words = (one) =>
    one.textContent.trim().replace(/\s+/g, " ") || one.getAttribute("aria-label") || one.name || "";
  const named = (one) => `<${one.localName} class="${one.className}"> “${words(one).slice(0, 50)}”`;
  const shown = (one) => one.checkVisibility({ opacityProperty: true, visibilityProperty: true });

  // Kept for readers of the screen: within something no larger than a point.
  const unseen = (one) => {
    for (let at = one; at; at = at.parentElement) {
      if (at.offsetWidth <= 1 && at.offsetHeight <= 1) return true;
    }
    return false;
  };

  function examine(within) {
    if (root.scrollWidth > root.clientWidth) {
      const far = [...within.querySelectorAll("*")]
        .filter((one) => one.getBoundingClientRect().right > root.clientWidth + 1);
      wrong.push(`scrolls sideways (${root.scrollWidth}): ${far.slice(-3).map(named).join(", ")}`);
    }
    for (const one of within.querySelectorAll(".btn, .state, .tab")) {
      if (shown(one) && one.scrollWidth > one.clientWidth + 1) wrong.push(`cuts off ${named(one)}`);
    }
    const controls = "a[href], button, summary, select, textarea, input:not([type=hidden])";
    for (const one of within.querySelectorAll(controls)) {
      const touchable = getComputedStyle(one).pointerEvents !== "none";
      if (shown(one) && touchable && !unseen(one)) reach(one);
    }
  }

  // A pointer finds it in its middle and at both its ends.
  function reach(one) {
    one.scrollIntoView({ block: "center", inline: "nearest", behavior: "instant" });
    const box = one.getClientRects()[0];
    if (!box || box.bottom < 0) return; // the link to the content, until it has the focus
    const labels = [...(one.labels || [])];
    const edge = Math.min(4, box.width / 4);
    for (const x of [box.left + box.width / 2, box.left + edge, box.right - edge]) {
      const hit = document.elementFromPoint(x, box.top + box.height / 2);
      if (hit && (one.contains(hit) || labels.some((label) => label.contains(hit)))) continue;
      wrong.push(`${named(one)} is covered by ${hit ? named(hit) : "the edge of the screen"}`);
      return;
    }
  }

  examine(document.body);
  for (const menu of menus.filter(shown)) {
    menu.open = true;
    examine(menu);
    menu.open = false;
  }
  scrollTo(0, 0);
  root.style.fontSize = "";
  return wrong;
}
