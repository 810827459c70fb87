// Small comforts of every page: menus that close, buttons that lock, text that is copied.
(function () {
  "use strict";

  document.addEventListener("click", function (event) {
    document.querySelectorAll("details[data-menu][open]").forEach(function (menu) {
      if (!menu.contains(event.target)) menu.open = false;
    });
    var copy = event.target.closest("[data-copy]");
    if (copy) copyText(copy);
  });

  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    document.querySelectorAll("details[data-menu][open]").forEach(function (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });

  // A form is sent once: its button stays locked until the next page is there.
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (!form.matches("[data-lock]")) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    form.querySelectorAll("button[type=submit]").forEach(function (button) {
      button.setAttribute("aria-busy", "true");
      window.setTimeout(function () {
        button.disabled = true;
      });
    });
  });

  // Back from the next page: nothing is locked any more.
  window.addEventListener("pageshow", function (event) {
    if (!event.persisted) return;
    document.querySelectorAll("form[data-sent]").forEach(function (form) {
      delete form.dataset.sent;
      form.querySelectorAll("button[aria-busy]").forEach(function (button) {
        button.disabled = false;
        button.removeAttribute("aria-busy");
      });
    });
  });

  // A filter that is chosen is applied; the button stays for keyboards and for no JavaScript.
  document.addEventListener("change", function (event) {
    var form = event.target.closest("form[data-filters]");
    if (form && event.target.matches("select")) form.requestSubmit();
  });

  // What was wrong with a form is said first, and its links lead to the fields.
  function showSummary() {
    var summary = document.querySelector("[data-summary]");
    if (summary) summary.focus();
  }

  function copyText(button) {
    var text = document.getElementById(button.dataset.copy);
    text.select();
    navigator.clipboard.writeText(text.value).then(function () {
      button.querySelector("span").textContent = button.dataset.done;
    }, function () {
      text.focus();
    });
  }

  function showCopyButtons() {
    if (!navigator.clipboard) return;
    document.querySelectorAll("[data-copy][hidden]").forEach(function (button) {
      button.hidden = false;
    });
  }

  showCopyButtons();
  showSummary();
  document.addEventListener("live:changed", showCopyButtons);
})();
