// Counts relative times on, in the server's time: this device's clock may be wrong.
(function () {
  "use strict";

  var words = JSON.parse(document.body.dataset.words || "{}");
  var atLoad = Number(document.documentElement.dataset.now);
  var speed = Number(document.documentElement.dataset.speed) || 1;
  var started = performance.now();

  function now() {
    return atLoad + (performance.now() - started) * speed;
  }

  function relative(at, side) {
    var seconds = (now() - at) / 1000;
    if (side === "past") seconds = Math.max(seconds, 0.001);
    if (side === "future") seconds = Math.min(seconds, -0.001);
    var prefix = seconds > 0 ? "past_" : "future_";
    var size = Math.abs(seconds);
    if (size < 5) return words[prefix + "now"];
    if (size < 60) return fill(prefix + "s", size);
    if (size < 3600) return fill(prefix + "min", size / 60);
    if (size < 172800) return fill(prefix + "h", size / 3600);
    return fill(prefix + "day", size / 86400);
  }

  function fill(name, number) {
    return words[name].replace("{n}", String(Math.floor(number)));
  }

  function tick() {
    document.querySelectorAll("time[data-rel]").forEach(function (element) {
      var text = relative(Date.parse(element.dateTime), element.dataset.rel);
      if (element.textContent !== text) element.textContent = text;
    });
  }

  // Every answer of the server sets the clock anew: a laptop that slept stops counting.
  document.addEventListener("live:time", function (event) {
    atLoad = event.detail;
    started = performance.now();
  });
  document.addEventListener("live:changed", tick);
  window.setInterval(tick, 1000);
  tick();
})();
