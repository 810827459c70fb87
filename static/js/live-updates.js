// Live updates: asks the same address what has changed, often while somebody is active.
(function () {
  "use strict";

  var PENDING = 1500, ACTIVE = 10000, IDLE = 30000, AWAY = 120000, LONGEST = 300000;
  // Where the panel's clock runs fast, much happens in ten seconds.
  if (Number(document.documentElement.dataset.speed) > 1) ACTIVE = 3000;
  var lastMove = Date.now(), failures = 0, timer = null, before = {};
  var announcer = document.querySelector("[data-announcer]");
  // Of pages that keep themselves up to date; the others have nothing to ask for.
  if (!announcer) return;
  var offline = document.querySelector("[data-offline]");
  var icon = document.querySelector("link[rel=icon]");
  var plainIcon = icon.href;
  // Of all that is shown: where the panel knows no newer one, it reads nothing else.
  var version = live() && live().dataset.version;

  function live() {
    return document.getElementById("live");
  }

  function pending() {
    return live() && (live().hasAttribute("data-pending") || live().querySelector("[data-pending]"));
  }

  function pause() {
    if (failures) return Math.min(ACTIVE * Math.pow(2, failures), LONGEST);
    if (pending()) return PENDING;
    var quiet = Date.now() - lastMove;
    return quiet < 60000 ? ACTIVE : quiet < 600000 ? IDLE : AWAY;
  }

  function plan() {
    window.clearTimeout(timer);
    timer = window.setTimeout(ask, pause());
  }

  function typing() {
    var at = document.activeElement;
    return at && live() && live().contains(at) && at.matches("input, select, textarea:not([readonly])");
  }

  function ask() {
    if (document.hidden || typing()) return plan();
    htmx.trigger(live(), "live");
  }

  function parts() {
    return [live()].concat(Array.from(live().querySelectorAll("[data-part]")));
  }

  // A header has a limit: of many rows, the beginnings of their digests in order are sent.
  function seen() {
    var rows = Array.from(live().querySelectorAll("tr[data-part]"));
    var isLong = rows.length > 100;
    var pairs = parts().filter(function (part) {
      return !isLong || part.tagName !== "TR";
    }).map(function (part) {
      return part.dataset.part + "=" + part.dataset.digest;
    });
    if (isLong) {
      pairs.push("rows=" + rows.map(function (row) {
        return row.dataset.digest.slice(0, 6);
      }).join(""));
    }
    return pairs.join(",");
  }

  document.body.addEventListener("htmx:configRequest", function (event) {
    if (event.detail.elt !== live()) return;
    before = {};
    document.querySelectorAll("[data-news]").forEach(function (element) {
      before[element.id] = state(element);
    });
    event.detail.headers["X-Live"] = "1";
    if (version) event.detail.headers["X-Version"] = version;
    event.detail.headers["X-Seen"] = seen();
  });

  document.body.addEventListener("htmx:beforeSwap", function (event) {
    // Signed out, or elsewhere by now: the page itself goes there.
    var to = new URL(event.detail.xhr.responseURL || location.href, location.href);
    if (to.pathname !== location.pathname) {
      event.detail.shouldSwap = false;
      location.reload();
    }
  });

  document.body.addEventListener("htmx:afterRequest", function (event) {
    var answer = event.detail.xhr;
    failures = event.detail.successful ? 0 : failures + 1;
    if (offline) offline.hidden = failures < 2;
    if (answer && (answer.status === 404 || answer.status === 403)) return location.reload();
    var time = answer && Number(answer.getResponseHeader("X-Now"));
    if (time && event.detail.successful) emit("live:time", time);
    var next = answer && answer.getResponseHeader("X-Version");
    if (next && event.detail.successful) version = next;
    plan();
  });

  document.body.addEventListener("htmx:afterSettle", changed);
  document.body.addEventListener("htmx:oobAfterSwap", function () {
    window.setTimeout(changed);
  });

  function state(element) {
    return element.dataset.news + (element.hasAttribute("data-pending") ? "…" : "");
  }

  function changed() {
    var news = [];
    document.querySelectorAll("[data-news]").forEach(function (element) {
      var was = before[element.id];
      if (was === undefined || was === state(element)) return;
      before[element.id] = state(element);
      element.classList.add("changed");
      window.setTimeout(function () {
        element.classList.remove("changed");
      }, 2500);
      if (!element.hasAttribute("data-pending")) news.push(element.dataset.news);
    });
    if (news.length) announcer.textContent = news.slice(0, 3).join(". ");
    emit("live:changed");
    number();
  }

  // The tab and its icon carry how many need somebody.
  function number() {
    var source = document.querySelector("[data-needs-you]");
    if (!source) return;
    var count = Number(source.dataset.needsYou);
    document.title = (count ? "(" + count + ") " : "") + source.dataset.title;
    icon.href = count ? badge(count > 99 ? "99" : String(count)) : plainIcon;
  }

  function badge(text) {
    var red = getComputedStyle(document.documentElement).getPropertyValue("--bad-icon").trim();
    return "data:image/svg+xml," + encodeURIComponent(
      '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="' +
      red + '"/><text x="16" y="23" font-family="sans-serif" font-size="' +
      (text.length > 1 ? 19 : 22) + '" font-weight="700" text-anchor="middle" fill="white">' + text + "</text></svg>");
  }

  function emit(name, detail) {
    document.dispatchEvent(new CustomEvent(name, { detail: detail }));
  }

  // What a person opened stays open, whatever the server's copy of it says.
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = function (name, node) {
    return !(name === "open" && node.tagName === "DETAILS");
  };

  ["pointermove", "keydown", "scroll"].forEach(function (name) {
    window.addEventListener(name, function () {
      var idle = Date.now() - lastMove > 60000;
      lastMove = Date.now();
      if (idle) plan();
    }, { passive: true });
  });
  document.addEventListener("visibilitychange", function () {
    if (!document.hidden) ask();
  });

  number();
  plan();
})();
