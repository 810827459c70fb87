// Sets the theme before anything is painted: the person's choice, or what the device prefers.
(function () {
  "use strict";
  var root = document.documentElement;
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  function apply() {
    var wish = root.dataset.theme;
    var asDevice = wish !== "light" && wish !== "dark";
    root.setAttribute("data-bs-theme", asDevice ? (dark.matches ? "dark" : "light") : wish);
  }
  apply();
  dark.addEventListener("change", apply);
})();
